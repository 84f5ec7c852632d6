#pragma once
// An engine on a bench: a repository and a cluster that answer at once, and a test that may hold
// any answer back.

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/engine/engine.h"
#include "reconcilers/manifest/anchor.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {

using Files = std::map<std::string, std::string>;  // path -> content

// A RayJob in the namespace default with a cluster of its own, one head; `more` are further lines
// of its spec.
std::string job_file(const std::string& name, const std::string& more = "");
// A RayService in the namespace default with one application, `app`, and one head; `more` are
// further lines of its spec.
std::string service_file(const std::string& name, const std::string& image = "2.40.0",
                         const std::string& more = "");
// A RayCluster in the namespace default with one worker.
std::string cluster_file(const std::string& name, const std::string& image = "2.40.0");
SourceTree tree_of(const std::string& commit, const Files& files,
                   const std::set<std::string>& known_blobs);

class Bench {
 public:
  Bench();
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // Whole new process: what it knew is gone, cluster and repository are as they were.
  void restart();
  // Commits and lets the engine see it. `rewinds`: it does not descend from what was accepted.
  void commit(const std::string& id, const Files& files, const std::string& message = "",
              bool rewinds = false);
  // Commits and asks for a poll: no time passes.
  void push(const std::string& id, const Files& files);
  // Lets time pass, tick by tick, and answers everything.
  void run(Duration duration = std::chrono::seconds(30));
  // The pods become Ready.
  void start_pods();
  void remove(const ResourceKey& key);
  // Somebody else makes it, or changes it.
  void put(const ResourceKey& key, nlohmann::json object);
  void deliver(Event event);

  bool has(const ResourceKey& key) const;
  std::vector<std::string> names(ResourceType type) const;
  std::vector<ResourceView> listed(ResourceType type, const std::string& ns = {}) const;
  std::optional<ConfigMapView> anchor(const std::string& cluster) const;
  std::optional<JobState> job_state(const std::string& job) const;
  std::optional<ServiceState> service_state(const std::string& service) const;
  AgentState state() const;
  status::ObjectStatus status_of(const std::string& cluster);
  std::string hold_id() { return engine_->facts(now()).hold_id; }
  std::string problem() { return engine_->facts(now()).source_problem; }
  Summary summary() const { return engine_->summary(now()); }
  Now now() const { return at(since_); }

  // Ray on every head: ids of the jobs it was given, and what it says of them.
  std::vector<std::string> submitted;
  RayJobStatus ray_says = RayJobStatus::Running;
  std::string ray_session = "session-1";
  bool heads_answer = true;
  // Serve on every head: the clusters whose heads were given a configuration, in order, and what it
  // says of each application.
  std::vector<std::string> configured;
  ServeApplicationStatus serve_says = ServeApplicationStatus::Running;

  bool git_answers = true;
  bool status_is_read = true;
  bool status_is_taken = false;  // else every push is refused
  std::map<std::string, std::string> published;
  std::set<ResourceType> unlisted;             // types whose list never completes
  std::optional<ResourceKey> loses_answer_of;  // its next write takes effect without an answer
  bool watch_is_first = false;                 // tells of what was written before the answer does
  std::optional<ResourceKey> unreachable;      // writes to it are on their way for ever
  std::vector<Action> writes;                  // all that were sent but those of the Lease
  std::string refused_names;       // creates of names that contain it are forbidden; empty: none
  std::size_t answers_max = 0;     // to writes, each tenth of a second; 0: all at once
  std::size_t under_way_most = 0;  // writes without an answer, at once

 private:
  void tick();
  void answer(const Effect& effect);
  void answer(const SendWrite& write);
  void answer_late_writes();
  void answer(const AskRay& ask);
  void answer(const AskGcs& ask);
  Result<RayReply> ray_reply(const RayRequest& request);
  ServeInfo serve_info(const std::string& head_uid) const;
  nlohmann::json applied(const Action& action, const nlohmann::json& live) const;
  Result<std::optional<ResourceView>> carry_out(const Action& action);
  void store(const ResourceKey& key, nlohmann::json object);
  void collect_garbage(const std::string& owner_uid);
  std::optional<ResourceView> view(const ResourceKey& key) const;

  EngineOptions options_ = options();
  std::unique_ptr<Engine> engine_;
  Duration since_{0};
  std::map<ResourceKey, nlohmann::json> objects_;
  std::int64_t version_ = 10;
  std::map<std::string, std::string> taken_;  // by submission id: the run that Ray was given
  std::set<std::string> serving_heads_;
  std::string tip_;
  Files files_;
  std::string message_;
  bool rewinds_ = false;
  std::deque<SendWrite> late_writes_;
};

}  // namespace ray_gitops::engine::test
