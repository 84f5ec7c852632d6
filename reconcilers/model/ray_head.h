#pragma once
// What is asked of a Ray head, and what it answers: values, no wire format.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/document.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

// Requests of the head's dashboard (Ray, "Ray Jobs REST API", "Ray Serve REST API"; GET
// /api/version).
enum class RayVerb : std::uint8_t { GetVersion, GetJob, SubmitJob, StopJob, GetServe, PutServe };

const char* name_of(RayVerb verb);
// It may change something on the head.
inline bool is_write(RayVerb verb) {
  return verb == RayVerb::SubmitJob || verb == RayVerb::StopJob || verb == RayVerb::PutServe;
}

// One request to one life of one head pod.
struct RayRequest {
  RayVerb verb = RayVerb::GetVersion;
  std::string cluster;        // of GetServe, PutServe: the RayCluster, in the object's namespace
  std::string head_uid;       // whom it is meant for
  ResourceKey head_pod;       // the same by its name
  std::string address;        // "<pod ip>:<dashboard port>"
  std::string token_secret;   // in the namespace of head_pod; empty: the head asks for no token
  std::string submission_id;  // of GetJob, SubmitJob, StopJob
  std::string config_digest;  // of PutServe: of its body
  Document body;              // of SubmitJob, PutServe
  std::string reason;         // the sentence shown in plan and log
};

// Ray's JobStatus.
enum class RayJobStatus : std::uint8_t { Pending, Running, Stopped, Succeeded, Failed };

const char* name_of(RayJobStatus status);  // "PENDING", as Ray writes it
inline bool has_ended(RayJobStatus status) { return status >= RayJobStatus::Stopped; }

struct RayJobInfo {
  RayJobStatus status = RayJobStatus::Pending;
  std::string run;         // metadata["ray-gitops.io/run"]: which run and attempt submitted it
  std::string error_type;  // Ray's, for example JOB_ENTRYPOINT_COMMAND_ERROR; or empty
  std::optional<std::int64_t> driver_exit_code;
  std::string message;  // of Ray: its last 4 KiB, as they came; not safe to publish
};

// Ray's ApplicationStatus.
enum class ServeApplicationStatus : std::uint8_t {
  NotStarted,
  Deploying,
  DeployFailed,
  Running,
  Unhealthy,
  Deleting
};

const char* name_of(ServeApplicationStatus status);  // "DEPLOY_FAILED", as Ray writes it

struct ServeDeployment {
  std::string status;                   // as Ray writes it: "HEALTHY", "UPSCALING", ...
  std::map<std::string, int> replicas;  // by state, as Ray writes it: "RUNNING" -> 2
  friend bool operator==(const ServeDeployment&, const ServeDeployment&) = default;
};

struct ServeApplication {
  ServeApplicationStatus status = ServeApplicationStatus::NotStarted;
  std::string message;  // of Ray: its last 4 KiB, as they came; not safe to publish
  std::map<std::string, ServeDeployment> deployments;
  friend bool operator==(const ServeApplication&, const ServeApplication&) = default;
};

inline constexpr std::size_t k_serve_applications_max = 200;
inline constexpr std::size_t k_serve_deployments_max = 200;    // of one application
inline constexpr std::size_t k_serve_replica_states_max = 16;  // of one deployment

// What Serve runs on a cluster. Empty when it runs nothing, or was never started.
struct ServeInfo {
  std::map<std::string, ServeApplication> applications;
  // Addresses of the nodes whose HTTP proxy Serve's controller says is HEALTHY.
  std::set<std::string> proxies;
  friend bool operator==(const ServeInfo&, const ServeInfo&) = default;
};

// There is an application, and every one is RUNNING (KubeRay 1.7, "Serve config submission").
bool is_serving(const ServeInfo& info);

struct RayReply {
  std::string session;             // of GetVersion
  std::optional<RayJobInfo> job;   // of GetJob; nullopt: the head knows no such job
  std::optional<ServeInfo> serve;  // of GetServe
};

// What one head has answered about one job, or about Serve. It is about `head_uid` and
// `submission_id` only (but for `serving_at`): it starts anew when the requests go to another head
// or ask for another id.
struct HeadAnswers {
  std::string head_uid;
  std::string submission_id;
  // Of GetVersion, if it was answered after the last "no such job" and the last silence: the head
  // has not lived through anything unseen since.
  std::optional<std::string> session;
  // Of the last GetJob (outer: answered at all; inner: the head knows it). Gone once a SubmitJob
  // or a StopJob has been sent after it.
  std::optional<std::optional<RayJobInfo>> job;
  Instant job_answered_at;
  // Of the last GetServe. Gone once a PutServe has been sent after it.
  std::optional<ServeInfo> serve;
  Instant serve_answered_at;
  // When it, or the head before it, last said that all is well (is_serving); nullopt: never.
  std::optional<Instant> serving_at;
  // Of the PutServe that the head has taken, or empty. Gone once another has been sent after it.
  std::string config_digest;
  // The head understood the last SubmitJob or PutServe and refused it (Rejected). Gone once a
  // GetVersion has been answered after it (a later run may ask this head for the same id), or
  // another PutServe has been sent.
  std::optional<Error> refused;
  std::string refused_digest;  // of the PutServe that was refused
  // Why the last request was not answered; empty when it was.
  std::string silence;
};

// A pod of a cluster, as far as those look at it that work on the cluster.
struct ClusterPod {
  std::string name;
  std::string uid;
  std::string ip;
  bool is_head = false;
  bool ready = false;
  bool serves = false;  // has the label ray.io/serve: "true"
  friend bool operator==(const ClusterPod&, const ClusterPod&) = default;
};

// A cluster as its own reconciler sees it, for a job or a service that works on it.
struct ClusterFacts {
  bool ready = false;
  std::string message;  // why it is not ready, one sentence
  // The head pod that the cluster's anchor owns; empty without one. One that is terminating still
  // counts while there is no other.
  std::string head_uid;
  ResourceKey head_pod;
  std::string head_address;  // "<ip>:<dashboard port>"; empty before it has an IP
  std::string token_secret;  // the Secret with the cluster's token; empty: it asks for none
  bool head_ready = false;   // the head pod is Ready
  // Of a service's cluster: pods that its anchor owns and that are not terminating, by name.
  std::vector<ClusterPod> pods;
  Document scaling;  // what the autoscaler says of it, for the status; null: nothing
  friend bool operator==(const ClusterFacts&, const ClusterFacts&) = default;
};

}  // namespace ray_gitops
