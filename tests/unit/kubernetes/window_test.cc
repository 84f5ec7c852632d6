#include "agent/kubernetes/window.h"

#include <gtest/gtest.h>

namespace ray_gitops::kubernetes {
namespace {

constexpr Duration k_quick{50};

class WindowTest : public testing::Test {
 protected:
  // A round of answers to requests that filled the window.
  void round(Answer answer, Duration time) {
    const Instant sent = now;
    now = now + time;
    const std::size_t size = window.size();
    for (std::size_t i = 0; i < size; ++i) window.answered(answer, sent, size, now);
    now = now + Duration{1};
  }

  RequestWindow window;
  Instant now{1'000'000};
};

TEST_F(WindowTest, grows_by_an_eighth_a_round_up_to_its_limit) {
  round(Answer::Good, k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_first + k_requests_in_flight_first / 8);
  for (int i = 0; i < 6; ++i) round(Answer::Good, k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_max);
}

TEST_F(WindowTest, grows_again_after_it_was_small) {
  for (int i = 0; i < 10; ++i) round(Answer::Busy, k_quick);
  round(Answer::Good, k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_min + 1);
}

TEST_F(WindowTest, that_was_not_full_does_not_grow) {
  for (int i = 0; i < 1000; ++i) window.answered(Answer::Good, now, 1, now + k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_first);
}

TEST_F(WindowTest, halves_once_a_round_while_the_server_is_busy) {
  round(Answer::Busy, k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_first / 2);
  for (int i = 0; i < 10; ++i) round(Answer::Busy, k_quick);
  EXPECT_EQ(window.size(), k_requests_in_flight_min);
}

TEST_F(WindowTest, neither_grows_nor_shrinks_where_answers_take_their_time) {
  for (int i = 0; i < 10; ++i) round(Answer::Good, k_answer_time_wanted + Duration{1});
  EXPECT_EQ(window.size(), k_requests_in_flight_first);
}

TEST_F(WindowTest, shrinks_by_a_tenth_a_round_where_answers_are_slow) {
  round(Answer::Good, k_answer_time_max + Duration{1});
  EXPECT_EQ(window.size(), k_requests_in_flight_first - k_requests_in_flight_first / 10);
  for (int i = 0; i < 100; ++i) round(Answer::Good, k_answer_time_max + Duration{1});
  EXPECT_EQ(window.size(), k_requests_in_flight_min);
}

}  // namespace
}  // namespace ray_gitops::kubernetes
