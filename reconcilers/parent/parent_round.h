#pragma once
// One round of an object that owns clusters, a job or a service: the plan under construction, with
// the steps that its kinds have in common.

#include <map>
#include <string>
#include <utility>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/refusal.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::parent {

// Phase, reason and sentence of a plan.
struct Words {
  Phase phase = Phase::Pending;
  std::string reason;
  std::string message;
};

// Nothing is decided on what is Unknown (I1). Without conditions: those are the kind's.
Plan not_yet_known(Phase phase, const std::string& why);

// "the edit of commit abc1234", or "the edit" offline.
std::string edit_of(const Declaration& declaration);

class ParentRound {
 public:
  ParentRound(const ObjectKey& key, const std::map<ResourceKey, Refusal>& refusals,
              const std::string& agent_id, Now now)
      : key_(key), agent_id_(agent_id), now_(now), refusals_(refusals) {}

 protected:
  // Sorts the actions, and says what keeps one of them from being done. The plan lacks its
  // conditions then.
  void close_plan();

  void say(Phase phase, std::string reason, std::string message);
  void say(Words words) { say(words.phase, std::move(words.reason), std::move(words.message)); }
  void look_again_at(Instant when);
  void look_again_at(WallTime when);

  void create(const ResourceKey& target, const Result<Document>& body, std::string reason);
  void replace(const ObjectMeta& live, const Result<Document>& body, std::string reason);
  // Of the object with this uid only.
  void apply(const ResourceKey& target, const std::string& uid, Document body, std::string reason);
  void remove(const ObjectMeta& live, std::string reason);

  // A cluster of its own: `child` is a child_declaration. Replacing one that says the same already
  // does nothing.
  void create_child(const Declaration& child, std::string reason);
  void update_child(const ConfigMapView& live, const Declaration& child, std::string reason);
  void retire(const ConfigMapView& child, std::string reason);
  // Its own anchor from here on. True while that is being deleted: nothing is decided then.
  bool is_leaving(const ConfigMapView& anchor);
  // For as long as it is not known whether clusters were leaving already: one that was must not be
  // brought back.
  void leave_clusters_as_they_are() { plan_.clusters_undecided = true; }

  const ObjectKey& key_;
  const std::string& agent_id_;
  Now now_;
  const ConfigMapView* anchor_ = nullptr;  // its own, once it is known to be there
  Plan plan_;

 private:
  void add(Action action) { plan_.actions.push_back(std::move(action)); }
  bool refuse_body(const Result<Document>& body);
  void report_refusal();
  Result<Document> cluster_body(const Declaration& child, const ClusterState& state) const;

  const std::map<ResourceKey, Refusal>& refusals_;
};

}  // namespace ray_gitops::parent
