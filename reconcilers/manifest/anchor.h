#pragma once
// Anchors: the ConfigMap that owns everything made for one declaration and keeps what must survive
// the agent (docs/formats.md, "Anchors"). Format v1.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/service_state.h"
#include "reconcilers/model/view.h"

namespace ray_gitops {

// The compressed document; a larger one is refused (LimitExceeded).
inline constexpr std::size_t k_anchor_document_bytes_max = std::size_t{256} * 1024;

// Runtime state of a RayCluster that decisions depend on.
struct ClusterState {
  // Counts whole-cluster restarts. Pods carry the number they were made for; those with a lower one
  // are leaving. Saved before the first pod of it is deleted or created.
  std::int64_t incarnation = 1;
  // What the autoscaler has decided (autoscaler::scale_state_document); null: nothing, or it is
  // switched off.
  Document scaling;
  friend bool operator==(const ClusterState&, const ClusterState&) = default;
};

// The anchor of the RayJob or RayService that a cluster was made for. Empty: the cluster stands in
// a file.
struct AnchorOwner {
  std::string name;
  std::string uid;
};

// The ConfigMap body of a cluster's anchor. `uid` and `resource_version` of the live one come
// from the action's preconditions, not from here.
Result<Document> anchor_body(const Declaration& declaration, const ClusterState& state,
                             const std::string& agent_id, const AnchorOwner& owner = {});
// The same of a RayJob, and of a RayService.
Result<Document> job_anchor_body(const Declaration& declaration, const JobState& state,
                                 const std::string& agent_id);
Result<Document> service_anchor_body(const Declaration& declaration, const ServiceState& state,
                                     const std::string& agent_id);

// The same of an AutoscalerPolicy, which has no state.
Result<Document> policy_anchor_body(const Declaration& declaration, const std::string& agent_id);

// The document an anchor was last made from, with its provenance. InvalidInput when the anchor was
// edited by hand into something else.
Result<Document> anchored_document(const ConfigMapView& anchor);
Provenance anchored_provenance(const ConfigMapView& anchor);
// The declaration's identity as the anchor's labels and name give it; InvalidInput when they do
// not.
Result<ObjectKey> anchored_key(const ConfigMapView& anchor);
// A missing or unreadable state is the initial one.
ClusterState anchored_state(const ConfigMapView& anchor);
// InvalidInput when it is missing or unreadable: what has run is then unknown.
Result<JobState> anchored_job_state(const ConfigMapView& anchor);
// InvalidInput when it is missing or unreadable: which cluster serves is then unknown.
Result<ServiceState> anchored_service_state(const ConfigMapView& anchor);
// Empty for an anchor of what stands in a file.
AnchorOwner anchored_owner(const ConfigMapView& anchor);
// The job or service whose anchor has this name; nullopt when it is another kind's.
std::optional<ObjectKey> parent_named(const std::string& ns, const std::string& anchor_name);
// The job or service whose anchor owns this one, as the owner's name says; nullopt without one.
std::optional<ObjectKey> anchored_parent(const ConfigMapView& anchor);

// Runs as JSON, in anchors and in the ledger: a list of objects. InvalidInput names the first
// member that cannot be read.
nlohmann::json finished_runs_json(const FinishedRuns& runs);
Result<FinishedRuns> parse_finished_runs(const nlohmann::json& list);

// The agent's own state (ConfigMap "ray-gitops.<agent-id>").
struct AgentState {
  std::string repository;       // normalised URL without credentials, and branch
  std::string accepted_commit;  // the last commit that was acted on
  std::string hold_id;          // of what that commit asks for and waits; empty when nothing waits
  std::vector<ObjectKey> held;  // sorted; removals and restarts that wait for a release
  std::vector<ObjectKey> removals;    // sorted; approved removals of the accepted commit
  std::vector<ObjectKey> companions;  // sorted; companions we applied: the only ones we may prune
  friend bool operator==(const AgentState&, const AgentState&) = default;
};

Document agent_anchor_body(const ResourceKey& key, const AgentState& state,
                           const std::string& agent_id);
// A missing or unreadable state, or member of it, is InvalidInput: what was accepted is then
// unknown.
Result<AgentState> agent_state(const ConfigMapView& anchor);

}  // namespace ray_gitops
