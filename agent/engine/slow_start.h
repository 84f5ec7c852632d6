#pragma once
// How many creates of one group of pods may be on their way: one at first and one more with each
// that succeeds, so that the number doubles with each round, as for Kubernetes' ReplicaSets; one
// again after a refusal. So a full quota or an admission that refuses costs a few requests, not as
// many as there are pods to make.

#include <algorithm>
#include <cstddef>

namespace ray_gitops::engine {

class SlowStart {
 public:
  // So many more may be sent now.
  std::size_t room() const { return allowed_ - std::min(allowed_, under_way_); }
  bool is_idle() const { return under_way_ == 0; }

  void sent() { ++under_way_; }
  void succeeded() {
    --under_way_;
    ++allowed_;
  }
  void refused() {
    --under_way_;
    allowed_ = 1;
  }
  // Answered with what says nothing about the next one: the name was taken.
  void passed() { --under_way_; }

 private:
  std::size_t allowed_ = 1;
  std::size_t under_way_ = 0;
};

}  // namespace ray_gitops::engine
