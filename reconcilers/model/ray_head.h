#pragma once
// What is asked of a Ray head, and what it answers: values, no wire format.

#include <cstdint>
#include <optional>
#include <string>

#include "reconcilers/model/document.h"

namespace ray_gitops {

// Requests of the head's dashboard (Ray, "Ray Jobs REST API"; GET /api/version).
enum class RayVerb : std::uint8_t { GetVersion, GetJob, SubmitJob, StopJob };

const char* name_of(RayVerb verb);

// One request to one life of one head pod.
struct RayRequest {
  RayVerb verb = RayVerb::GetVersion;
  std::string head_uid;       // whom it is meant for
  std::string address;        // "<pod ip>:<dashboard port>"
  std::string submission_id;  // of GetJob, SubmitJob, StopJob
  Document body;              // of SubmitJob
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

struct RayReply {
  std::string session;            // of GetVersion
  std::optional<RayJobInfo> job;  // of GetJob; nullopt: the head knows no such job
};

}  // namespace ray_gitops
