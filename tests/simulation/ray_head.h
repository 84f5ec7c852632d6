#pragma once
// Heads that run jobs and Serve without running anything. A head lives as long as its pod's Ray
// container; with it go its jobs and applications. It answers as event.h says, once its pod is
// Ready, over a network that loses and delays.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/engine/effect.h"
#include "tests/simulation/api.h"
#include "tests/simulation/core.h"
#include "tests/simulation/serve.h"

namespace ray_gitops::simulation {

// What an entrypoint does: "<kind> <seconds>".
enum class WorkKind : std::uint8_t {
  Work,    // ends well
  Fail,    // ends badly
  Flaky,   // ends badly in the first attempt
  Forever  // does not end
};

struct Work {
  WorkKind kind = WorkKind::Work;
  int seconds = 1;
  friend bool operator==(const Work&, const Work&) = default;
};

std::string render_work(const Work& work);
Work parse_work(const std::string& entrypoint);

// "<digits of the job and its run>-<attempt>", as submissions carry it.
struct RunKey {
  std::string digits;
  int attempt = 0;
  auto operator<=>(const RunKey&) const = default;
};

RunKey parse_run_key(const std::string& text);

// A submission that a head took.
struct Execution {
  RunKey run;
  std::string submission_id;
  std::string head_uid;
  Instant asked_at;  // when the agent sent it
};

// What Serve runs on a cluster, and what it was told to.
struct ServeTruth {
  ServeInfo info;
  Document config;  // null: nothing was put
};

class RayHeads {
 public:
  // Who answers.
  struct Head {
    std::string session;
    std::string ip;
    ObjectKey cluster;
  };

  RayHeads(Core& core, const Api& api) : core_(core), api_(api) {}

  void ask(const engine::AskRay& effect, const Deliver& deliver);
  // As the head knows it now; nullopt while none answers.
  std::optional<ServeTruth> serve_of(const ObjectKey& cluster) const;
  // The head that answers at an address now; nullopt when nobody does.
  std::optional<Head> head_at(const std::string& address) const;
  std::optional<Head> head_of(const ObjectKey& cluster) const;
  // Whose head lives this life now; nullopt when it is over.
  std::optional<ObjectKey> cluster_of(const std::string& session) const;

  std::function<void(const Execution&)> on_execution;
  // Something that an undisturbed run does not meet: the head refused it, or was told to stop it.
  std::function<void(const RunKey&)> on_disturbance;
  // A head was asked about Serve, or told what to serve.
  std::function<void(const ObjectKey& cluster)> on_serve;

 private:
  struct Job {
    RunKey run;
    RayJobInfo info;
  };
  // One life of one head.
  struct Life {
    Life(Core& core, std::string name) : session(std::move(name)), serve(core) {}
    std::string session;
    std::map<std::string, Job> jobs;  // by submission id
    Serve serve;
  };
  // Among all ready pods.
  std::optional<Head> find_head(const std::function<bool(const Head&)>& is_meant) const;
  std::vector<std::string> worker_ips(const ObjectKey& cluster) const;
  ServeInfo serve_info(const Head& head, const Serve& serve) const;
  Life& life_of(const std::string& session);
  Result<RayReply> carry_out(const Head& head, const RayRequest& request, Instant asked);
  Result<RayReply> submit(Life& life, const RayRequest& request, Instant asked);
  void stop(Life& life, const std::string& id);
  void run(const std::string& session, const std::string& id, const Work& work);
  // The job will have this status, unless it has ended by then or its head has.
  void become(const std::string& session, const std::string& id, RayJobStatus status,
              Duration delay);

  Core& core_;
  const Api& api_;
  std::map<std::string, Life> lives_;  // by session
};

}  // namespace ray_gitops::simulation
