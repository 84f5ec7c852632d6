#pragma once
// What AutoscalerPolicies say of all clusters together: who is whose tenant, what they use and
// want, which minima hold now.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/autoscaler/fair_share.h"
#include "reconcilers/autoscaler/round.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/time.h"
#include "reconcilers/schedule/window.h"

namespace ray_gitops::autoscaler {

class Fleet {
 public:
  bool has_policies() const { return !policies_.empty(); }
  // Whether that changes anything.
  bool set_policy(const Declaration& policy);
  bool forget_policy(const ObjectKey& policy);
  // Changes with every policy.
  std::uint64_t revision() const { return revision_; }

  // Of every cluster, before anything else is said or asked of it.
  void meet(const Declaration& cluster);
  void forget(const ObjectKey& cluster);
  // How many pods it has or is to have: workers by group, and heads. Those of a group that is not
  // in its file are counted as pods alone.
  void note_pods(const ObjectKey& cluster, const std::map<std::string, std::int64_t>& workers,
                 std::int64_t heads);
  // What it would have more of if it could.
  void note_wants(const ObjectKey& cluster, std::vector<Want> wants);

  // What a pod of each group requests.
  const std::map<std::string, PodAmounts>& charges(const ObjectKey& cluster) const;
  // nullopt: nobody's tenant.
  std::optional<Allowance> allowance(const ObjectKey& cluster);
  // By group, of those that some policy says something of; of several the most.
  std::map<std::string, GroupPolicy> group_policies(const ObjectKey& cluster, WallTime now);
  // Before then, time alone changes nothing of them; nullopt: never.
  std::optional<WallTime> next_change(WallTime now);

  // For the status file: each tenant with what it uses and whether it waits for more, each
  // schedule with whether it holds now.
  Document summary(const ObjectKey& policy, WallTime now);
  // Policies whose summary may have changed since this was last asked.
  std::set<ObjectKey> take_changed();

 private:
  struct Schedule {
    ScheduledMinimum minimum;
    schedule::Window window;
    // What was found last, which holds in between: looking far ahead takes long.
    bool is_open = false;
    std::optional<WallTime> since;
    std::optional<WallTime> until;  // nullopt: for ever
  };
  struct Policy {
    std::string spec_hash;
    AutoscalerPolicySpec spec;
    std::vector<Schedule> schedules;
    // What share() said; nullopt: something has changed since.
    std::optional<std::map<ObjectKey, PodAmounts>> grants;
  };
  struct Member {
    std::string spec_hash;
    std::map<std::string, std::string> labels;
    PodAmounts head;
    std::map<std::string, PodAmounts> charges;
    // Of the first policy that has a tenant for it.
    std::optional<ObjectKey> policy;
    std::size_t tenant = 0;
    PodAmounts used;
    std::vector<Want> wants;
  };

  static const Schedule& look_at(Schedule& schedule, WallTime now);
  void find_tenant(const ObjectKey& cluster, Member& member);
  void changed(const Member& member);
  std::vector<Tenant> tenants_of(const ObjectKey& policy) const;

  std::map<ObjectKey, Policy> policies_;
  std::map<ObjectKey, Member> members_;
  std::set<ObjectKey> changed_;
  std::uint64_t revision_ = 0;
};

// Whether the cluster is one of those.
bool selects(const ClusterSelector& selector, const ObjectKey& cluster,
             const std::map<std::string, std::string>& labels);

}  // namespace ray_gitops::autoscaler
