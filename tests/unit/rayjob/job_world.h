#pragma once
// A job's world in a few lines: the server that keeps anchors, clusters that come up and leave, Ray
// heads with lives and jobs, the engine's notes of their answers, and the ledger.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/job_run.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayjob/observed.h"

namespace ray_gitops::test {

inline constexpr const char* k_agent_id = "prod";

// A job of that name on a cluster of its own. `fields` are further lines of its spec.
Declaration own_job(const std::string& fields = {}, const std::string& run = "1");
// A job on the cluster "shared".
Declaration job_on_shared(const std::string& fields = {}, const std::string& run = "1");

// What a head did when it took a submission.
struct Start {
  std::string session;
  std::string submission_id;
  std::string run;  // metadata "ray-gitops.io/run"
};

struct Head {
  std::string uid;
  std::string session;
  std::map<std::string, RayJobInfo> jobs;
};

struct WorldCluster {
  bool ready = false;
  bool leaving = false;
  std::optional<Head> head;
};

class JobWorld {
 public:
  explicit JobWorld(Declaration file_now) : file(std::move(file_now)) {}

  std::optional<Declaration> file;  // nullopt: it is gone, and the removal is approved

  // Faults:
  bool head_is_silent = false;       // requests do not arrive
  bool answers_are_lost = false;     // requests arrive, answers do not
  bool submissions_refused = false;  // a 400
  bool clusters_come_up = true;
  bool status_is_published = true;

  // What to do now, as reconcile or plan_removal says.
  Plan plan() const;
  // Carries the plan out, then a second passes. Gives the plan.
  Plan step();
  void pass(Duration time);
  // The agent starts anew: what heads answered is forgotten.
  void crash() { head_answers = {}; }
  void add_shared_cluster() { clusters["shared"] = {}; }
  void restart_head_in_place();
  void replace_head();
  // Of all heads: the first job that has not ended; nullptr without one.
  RayJobInfo* unfinished_job();
  WorldCluster* only_cluster();
  // Of the anchor; fails the test program without one that can be read.
  JobState state() const;
  JobObserved observed() const;

  std::optional<ConfigMapView> anchor;
  std::vector<ConfigMapView> children;
  std::map<std::string, WorldCluster> clusters;
  HeadAnswers head_answers;
  std::optional<FinishedRuns> ledger = FinishedRuns{};  // nullopt: not read yet
  bool ledger_closed = false;
  std::map<ResourceKey, Refusal> refusals;
  std::vector<Start> starts;
  std::vector<std::string> stops;  // submission ids
  Now now{{1'800'000'000'000}, {5'000}};

 private:
  void apply(const Action& action);
  void retire(const ObjectKey& cluster);
  void ask(const RayRequest& request);
  void answer(const RayRequest& request, Head& head);
  void take_submission(const RayRequest& request, Head& head);
  void advance_clusters();
  void publish();
  Head* find_head(const std::string& uid);
  std::string next_name(const std::string& prefix);

  int names_ = 0;
};

// reconcile, or plan_removal without a file.
Plan plan_for(const Declaration* file, const JobObserved& observed, Now now);
// Steps until the plan's reason is this one; ends the test program when that takes too long.
Plan step_until(JobWorld& world, const std::string& reason);
// The ledger says that the anchor's run has ended.
void put_on_record(JobWorld& world, JobStage stage, const std::string& reason);
// What then is done or left, when nothing but time passes.
Plan settle(JobWorld& world);

}  // namespace ray_gitops::test
