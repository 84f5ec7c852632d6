#include "agent/kubernetes/window.h"

#include <algorithm>

namespace ray_gitops::kubernetes {

void RequestWindow::answered(Answer answer, Instant sent, std::size_t in_flight, Instant now) {
  const bool is_news = sent > shrunk_at_;
  if (answer == Answer::Busy) {
    if (is_news) shrink(size_ / 2, now);
    return;
  }
  const Duration time = now - sent;
  if (time > k_answer_time_max) {
    if (is_news) shrink(size_ - std::max<std::size_t>(1, size_ / 10), now);
    return;
  }
  // A window that was not full has not been tried.
  if (time > k_answer_time_wanted || in_flight < size_ || ++good_ < size_) return;
  good_ = 0;
  size_ = std::min(size_ + std::max<std::size_t>(1, size_ / 8), k_requests_in_flight_max);
}

void RequestWindow::shrink(std::size_t to, Instant now) {
  size_ = std::max(to, k_requests_in_flight_min);
  good_ = 0;
  shrunk_at_ = now;
}

}  // namespace ray_gitops::kubernetes
