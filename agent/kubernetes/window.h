#pragma once
// How many requests may be in flight, learned from how the server answers. Pure: times are told.
//
// It grows by an eighth with each round of quick answers that found it full, shrinks by a tenth
// when answers are slow, and halves when the server refuses for being busy or does not answer, each
// at most once in a round (after TCP's congestion window, RFC 5681; but its limit is a small one,
// and is reached within a burst of some six hundred requests).

#include <cstddef>
#include <cstdint>

#include "reconcilers/model/time.h"

namespace ray_gitops::kubernetes {

constexpr std::size_t k_requests_in_flight_first = 32;
constexpr std::size_t k_requests_in_flight_min = 2;
constexpr std::size_t k_requests_in_flight_max = 64;
// Slower answers say that requests wait in the server; more of them would only wait longer.
constexpr Duration k_answer_time_wanted{1'000};
constexpr Duration k_answer_time_max{3'000};

enum class Answer : std::uint8_t {
  Good,
  Busy  // 429, 5xx, or none
};

class RequestWindow {
 public:
  std::size_t size() const { return size_; }
  // Of a request that was sent at `sent`, with so many in flight then, itself among them.
  void answered(Answer answer, Instant sent, std::size_t in_flight, Instant now);

 private:
  void shrink(std::size_t to, Instant now);

  std::size_t size_ = k_requests_in_flight_first;
  std::size_t good_ = 0;  // answers of this round
  Instant shrunk_at_;     // what was sent before says nothing about the size since
};

}  // namespace ray_gitops::kubernetes
