#pragma once
// Fact<T>: what we know about the world, or that we do not. Unknown is not absent.

#include <string>
#include <utility>
#include <variant>

#include "reconcilers/model/time.h"

namespace ray_gitops {

template <class T>
struct Known {
  T value;
};

struct Unknown {
  std::string why;  // one sentence: "the list of pods is not complete yet"
};

template <class T>
class Fact {
 public:
  Fact() : state_(Unknown{"not looked at yet"}) {}
  Fact(Known<T> known) : state_(std::move(known)) {}
  Fact(Unknown unknown) : state_(std::move(unknown)) {}

  bool is_known() const { return std::holds_alternative<Known<T>>(state_); }
  // Only when known: a wrong use is a bug of ours and throws std::bad_variant_access in tests.
  const T& value() const { return std::get<Known<T>>(state_).value; }
  const std::string& why() const { return std::get<Unknown>(state_).why; }

 private:
  std::variant<Known<T>, Unknown> state_;
};

}  // namespace ray_gitops
