#pragma once
// A cluster in a few lines: what a server, a kubelet and the garbage collector make of a plan.
// Names are exclusive, preconditions are checked, what is deleted leaves with the next step of
// time.

#include <cstdint>
#include <map>
#include <string>

#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::test {

class ClusterModel {
 public:
  ClusterModel(ClusterObserved observed, Now now);

  // How many of the plan's actions had an effect; the others are refused.
  int apply(const Plan& plan);
  // A minute later: what was leaving is gone, what was made runs.
  void pass_time();

  const ClusterObserved& observed() const { return observed_; }
  Now now() const { return now_; }
  // Everything that is not owned by the anchor and not leaving, by key and uid.
  std::map<ResourceKey, std::string> foreign() const;

 private:
  bool apply(const Action& action);
  bool create(const Action& action);
  bool replace(const Action& action);
  bool remove(const Action& action);
  std::string anchor_uid() const;
  void collect_garbage(const std::string& owner_uid);

  ClusterObserved observed_;
  Now now_;
  std::int64_t next_id_ = 1000;
};

}  // namespace ray_gitops::test
