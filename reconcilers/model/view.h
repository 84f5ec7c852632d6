#pragma once
// Compact views of live Kubernetes objects: the few facts decisions need, never whole documents.
// reconcilers/manifest/view.h makes them from JSON.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "reconcilers/model/object_key.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

struct ObjectMeta {
  ResourceKey key;
  std::string uid;
  std::string resource_version;
  std::string agent;         // label ray-gitops.io/agent, or empty
  std::string owner_uid;     // uid of the controller owner reference, or empty
  std::string desired_hash;  // annotation ray-gitops.io/desired-hash: what we last wanted here
  bool terminating = false;  // deletionTimestamp is set
  // deletionTimestamp: when the grace period of what is terminating ends.
  std::optional<WallTime> deletion_deadline;
  WallTime created_at;
};

// Who wrote what of a companion, by its metadata.managedFields.
struct FieldOwnership {
  std::string ours;        // digest of the fields that our manager owns; "" when it owns none
  std::string last_other;  // the manager that wrote last beside us, status aside; "" for none
};

enum class PodPhase : std::uint8_t { Pending, Running, Succeeded, Failed, Unknown };

struct PodView {
  ObjectMeta meta;
  std::string cluster;           // label ray.io/cluster
  std::string group;             // label ray.io/group
  std::string replica;           // label ray.io/worker-group-replica-name; empty: of one host
  std::string template_hash;     // annotation ray-gitops.io/template-hash
  std::string runtime_hash;      // annotation ray-gitops.io/runtime-hash
  std::int64_t incarnation = 0;  // annotation ray-gitops.io/incarnation
  PodPhase phase = PodPhase::Pending;
  bool ready = false;
  bool serves = false;  // label ray.io/serve is "true"
  std::string ip;
  // Of the Ray container (spec.containers[0]):
  std::optional<WallTime> ray_started_at;  // state.running.startedAt
  std::int64_t ray_restart_count = 0;
  bool ray_terminated = false;    // state.terminated is set
  bool restarts_in_place = true;  // spec.restartPolicy is not Never
  std::string
      problem;  // why it is not ready, one sentence: a waiting reason, an exit, unschedulable
};

// KubeRay's shouldDelete: it ended, or its Ray container ended and nothing restarts it in place.
bool has_failed(const PodView& pod);

struct ServiceView {
  ObjectMeta meta;
  std::string cluster;       // label ray.io/cluster
  std::string owner_name;    // of meta.owner_uid: the anchor that it was made for
  std::string selects;       // spec.selector["ray.io/cluster"]: the cluster that it leads to
  std::string shape_digest;  // of selector, ports, type and headlessness (manifest::service_shape)
  FieldOwnership fields;
  bool headless = false;  // spec.clusterIP is "None", for good: it cannot be changed in place
};

// A ConfigMap of ours: an anchor, the agent's anchor, or a companion. `document` and `state` are
// empty for companions.
struct ConfigMapView {
  ObjectMeta meta;
  std::string anchor_kind;  // label ray-gitops.io/kind: "RayCluster", ..., "Agent", or empty
  std::string anchor_name;  // annotation ray-gitops.io/name: the declaration's name
  std::string
      owner_name;        // of meta.owner_uid: of a cluster made for a job or a service, its anchor
  std::string document;  // the declared document, zlib-compressed JSON
  std::string state;     // runtime state, JSON
  std::string commit;    // annotations: where the document was read
  std::string path;
  std::string spec_hash;
  FieldOwnership fields;  // of a companion only
};

struct NamespaceView {
  ObjectMeta meta;
  FieldOwnership fields;
};

struct SecretView {
  ObjectMeta meta;
  std::string cluster;  // label ray.io/cluster
  FieldOwnership fields;
};

// An object of a type that is nothing but a companion.
struct CompanionView {
  ObjectMeta meta;
  FieldOwnership fields;
  bool may_be_pruned = false;  // annotation ray-gitops.io/prune is "true"
};

struct LeaseView {
  ObjectMeta meta;
  std::string holder;
  Duration duration{0};
  std::optional<WallTime> renewed_at;
  std::int64_t transitions = 0;
};

using ResourceView = std::variant<PodView, ServiceView, ConfigMapView, NamespaceView, SecretView,
                                  LeaseView, CompanionView>;

const ObjectMeta& meta_of(const ResourceView& view);
// Empty for what is no companion.
FieldOwnership ownership_of(const ResourceView& view);

}  // namespace ray_gitops
