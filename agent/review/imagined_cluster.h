#pragma once
// A cluster that exists in thought only: it begins with what is really there, takes every write,
// and what is made in it is well at once.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/engine/event.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::review {

// uids of what is only imagined begin so; a server's are UUIDs (RFC 4122).
inline constexpr const char* k_imagined = "imagined-";

bool is_imagined(const std::string& uid);

class ImaginedCluster {
 public:
  // Takes in what a real list says. What is leaving counts as gone, and is taken out of the list.
  void learn(engine::ListCompleted& list);

  // The answer to the write. `told` gets what a watch would tell of others: what a deleted object
  // owned is gone, too.
  Result<std::optional<ResourceView>> carry_out(const Action& action,
                                                std::vector<engine::Event>& told);

  const ResourceView* find(const ResourceKey& key) const;
  // The one with this uid, or null.
  const ResourceView* find_uid(const std::string& uid) const;

  // Whose object this is, as users declare it: by its anchor, from a pod of a job's cluster
  // to the job. nullopt: the agent's own, or nobody's.
  std::optional<ObjectKey> subject_of(const ResourceView& view) const;
  // All that users' declarations have an anchor or a companion for.
  std::set<ObjectKey> subjects() const;
  // The job whose anchor says that it has submitted under this id.
  std::optional<ObjectKey> submitter_of(const std::string& submission_id) const;
  // Addresses of the pods of the cluster that this pod is of.
  std::set<std::string> addresses_beside(const std::string& pod_uid) const;

 private:
  Result<ResourceView> make(const Action& action, const ResourceView* live);
  void store(ResourceView view);
  ResourceView take_out(const ResourceKey& key);  // of one that is there
  void erase(const ResourceKey& key, std::vector<engine::Event>& told);

  std::map<ResourceKey, ResourceView> objects_;
  std::map<std::string, ResourceKey> by_uid_;
  std::map<std::string, std::set<ResourceKey>> owned_by_;  // by the owner's uid
  std::uint64_t version_ = 0;                              // above all resource versions seen
  std::uint64_t made_ = 0;
};

}  // namespace ray_gitops::review
