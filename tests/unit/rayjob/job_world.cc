#include "tests/unit/rayjob/job_world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/parse.h"
#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/check.h"
#include "reconcilers/rayjob/reconcile.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {
namespace {

constexpr int k_steps_max = 200;

std::string head_of_file(const std::string& run) {
  return "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: train\n  annotations: "
         "{ray-gitops.io/run: \"" +
         run +
         "\"}\nspec:\n  entrypoint: python train.py\n  runtimeEnvYAML: |\n    env_vars: {A: b}\n"
         "  metadata: {team: ml}\n";
}

ConfigMapView served(const Action& action, const std::string& uid, const std::string& version) {
  nlohmann::json body = action.body.json();
  body["metadata"]["uid"] = uid;
  body["metadata"]["resourceVersion"] = version;
  return std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, body).value());
}

}  // namespace

Declaration own_job(const std::string& fields, const std::string& run) {
  return declared(head_of_file(run) + fields +
                  R"(  rayClusterSpec:
    rayVersion: 2.53.0
    headGroupSpec:
      template:
        spec:
          containers:
          - {name: ray-head, image: "rayproject/ray:2.53.0"}
)");
}

Declaration job_on_shared(const std::string& fields, const std::string& run) {
  return declared(head_of_file(run) + fields + "  clusterSelector: {ray.io/cluster: shared}\n");
}

JobObserved JobWorld::observed() const {
  JobObserved seen;
  seen.anchor = Known<std::optional<ConfigMapView>>{anchor};
  if (anchor) {
    const Result<Document> document = anchored_document(*anchor);
    if (document)
      if (auto parsed = parse_document(*document, anchored_provenance(*anchor)))
        seen.anchored = std::move(*parsed);
  }
  seen.children = Known<std::vector<ConfigMapView>>{children};
  std::map<std::string, ClusterFacts> known;
  for (const auto& [name, cluster] : clusters) {
    ClusterFacts& entry = known[name];
    entry.ready = cluster.ready;
    if (!cluster.ready) entry.message = "0 of 1 pods ready";
    if (!cluster.head) continue;
    entry.head_uid = cluster.head->uid;
    entry.head_address = "10.0.0.1:8265";
  }
  seen.clusters = Known<std::map<std::string, ClusterFacts>>{std::move(known)};
  seen.head = head_answers;
  if (ledger)
    seen.ledger = Known<FinishedRuns>{*ledger};
  else
    seen.ledger = Unknown{"the status branch was not read yet"};
  seen.ledger_closed = ledger_closed;
  seen.refusals = refusals;
  return seen;
}

Plan plan_for(const Declaration* file, const JobObserved& observed, Now now) {
  const ObjectKey key{Kind::RayJob, "default", "train"};
  return file != nullptr ? rayjob::reconcile(*file, observed, k_agent_id, now)
                         : rayjob::plan_removal(key, observed, k_agent_id, now);
}

Plan JobWorld::plan() const { return plan_for(file ? &*file : nullptr, observed(), now); }

Plan JobWorld::step() {
  Plan todo = plan();
  for (const Action& action : todo.actions)
    if (!refusals.contains(action.target)) apply(action);
  for (const Retirement& retirement : todo.retirements) retire(retirement.cluster);
  for (const RayRequest& request : todo.ray_requests) ask(request);
  advance_clusters();
  if (status_is_published) publish();
  pass(std::chrono::seconds(1));
  return todo;
}

void JobWorld::pass(Duration time) {
  now.wall = now.wall + time;
  now.monotonic = now.monotonic + time;
}

void JobWorld::apply(const Action& action) {
  const bool is_anchor = action.target.name == "rayjob.train";
  const auto child = std::find_if(children.begin(), children.end(),
                                  [&](const auto& view) { return view.meta.key == action.target; });
  ConfigMapView* live = is_anchor && anchor                     ? &*anchor
                        : !is_anchor && child != children.end() ? &*child
                                                                : nullptr;
  if (action.verb == Verb::Create) {
    CHECK(live == nullptr);
    const std::string version = next_name("v");
    const ConfigMapView made = served(action, next_name("uid-"), version);
    if (is_anchor) anchor = made;
    if (is_anchor) return;
    CHECK(made.meta.owner_uid == anchor->meta.uid);
    children.push_back(made);
    clusters[anchored_key(made)->name] = {};
    return;
  }
  CHECK(live != nullptr && live->meta.uid == action.preconditions.uid);
  if (action.verb == Verb::Delete) {
    CHECK(is_anchor && children.empty());
    anchor.reset();
    return;
  }
  CHECK(live->meta.resource_version == action.preconditions.resource_version);
  *live = served(action, live->meta.uid, next_name("v"));
}

void JobWorld::retire(const ObjectKey& cluster) {
  const auto found = clusters.find(cluster.name);
  CHECK(found != clusters.end() && cluster.name != "shared");
  found->second.leaving = true;
}

// What leaves loses its head first, then its anchor; what was made gets a head, then is ready.
void JobWorld::advance_clusters() {
  for (auto entry = clusters.begin(); entry != clusters.end();) {
    WorldCluster& cluster = entry->second;
    if (cluster.leaving && !cluster.head) {
      const std::string name = entry->first;
      std::erase_if(children, [&](const auto& view) { return view.anchor_name == name; });
      entry = clusters.erase(entry);
      continue;
    }
    if (cluster.leaving) {
      cluster.head.reset();
      cluster.ready = false;
    } else if (clusters_come_up) {
      cluster.ready = cluster.head.has_value();
      if (!cluster.head) cluster.head = Head{next_name("head-"), next_name("session-"), {}};
    }
    ++entry;
  }
}

void JobWorld::publish() {
  if (!ledger || ledger_closed || !anchor) return;
  if (const Result<JobState> kept = anchored_job_state(*anchor))
    ledger = merge_runs(*ledger, kept->finished);
}

Head* JobWorld::find_head(const std::string& uid) {
  for (auto& [name, cluster] : clusters)
    if (cluster.head && cluster.head->uid == uid) return &*cluster.head;
  return nullptr;
}

// As the engine keeps its notes (HeadAnswers).
void JobWorld::ask(const RayRequest& request) {
  CHECK(!request.head_uid.empty() && !request.address.empty() && !request.submission_id.empty());
  if (head_answers.head_uid != request.head_uid ||
      head_answers.submission_id != request.submission_id) {
    head_answers = {};
    head_answers.head_uid = request.head_uid;
    head_answers.submission_id = request.submission_id;
  }
  if (request.verb == RayVerb::SubmitJob || request.verb == RayVerb::StopJob)
    head_answers.job.reset();
  Head* head = head_is_silent ? nullptr : find_head(request.head_uid);
  const HeadAnswers before = head_answers;
  if (head != nullptr) answer(request, *head);
  if (head != nullptr && !answers_are_lost) {
    head_answers.silence.clear();
    return;
  }
  head_answers = before;
  head_answers.silence = "connection timed out";
  head_answers.session.reset();
}

void JobWorld::answer(const RayRequest& request, Head& head) {
  const auto job = head.jobs.find(request.submission_id);
  switch (request.verb) {
    case RayVerb::GetVersion:
      head_answers.session = head.session;
      head_answers.refused.reset();
      return;
    case RayVerb::GetJob:
      head_answers.job_answered_at = now.monotonic;
      head_answers.job = std::optional<RayJobInfo>{};
      if (job != head.jobs.end())
        head_answers.job = std::optional<RayJobInfo>{job->second};
      else
        head_answers.session.reset();
      return;
    case RayVerb::SubmitJob:
      return take_submission(request, head);
    case RayVerb::StopJob:
      stops.push_back(request.submission_id);
      if (job != head.jobs.end() && job->second.status == RayJobStatus::Running)
        job->second.status = RayJobStatus::Stopped;
      return;
    case RayVerb::GetServe:
    case RayVerb::PutServe:
      CHECK(false && "of services, not of jobs");
  }
}

void JobWorld::take_submission(const RayRequest& request, Head& head) {
  if (submissions_refused) {
    head_answers.refused = Error{ErrorCode::Rejected, "entrypoint must be a string", ""};
    return;
  }
  if (head.jobs.contains(request.submission_id)) return;
  const nlohmann::json& body = request.body.json();
  CHECK(body.at("submission_id") == request.submission_id);
  RayJobInfo info;
  info.run = body.at("metadata").at("ray-gitops.io/run").get<std::string>();
  starts.push_back({head.session, request.submission_id, info.run});
  head.jobs[request.submission_id] = info;
}

void JobWorld::restart_head_in_place() {
  for (auto& [name, cluster] : clusters)
    if (cluster.head) cluster.head = Head{cluster.head->uid, next_name("session-"), {}};
}

void JobWorld::replace_head() {
  for (auto& [name, cluster] : clusters)
    if (cluster.head) cluster.head = Head{next_name("head-"), next_name("session-"), {}};
}

RayJobInfo* JobWorld::unfinished_job() {
  for (auto& [name, cluster] : clusters)
    if (cluster.head)
      for (auto& [id, job] : cluster.head->jobs)
        if (!has_ended(job.status)) return &job;
  return nullptr;
}

WorldCluster* JobWorld::only_cluster() {
  CHECK(clusters.size() == 1);
  return &clusters.begin()->second;
}

JobState JobWorld::state() const {
  CHECK(anchor.has_value());
  return anchored_job_state(*anchor).value();
}

std::string JobWorld::next_name(const std::string& prefix) {
  return prefix + std::to_string(++names_);
}

Plan step_until(JobWorld& world, const std::string& reason) {
  std::string seen;
  for (int step = 0; step < k_steps_max; ++step) {
    Plan plan = world.plan();
    if (plan.reason == reason) return plan;
    if (const std::string shown = render(plan); !seen.ends_with(shown)) seen += shown;
    world.step();
  }
  std::fprintf(stderr, "%s is never the reason; it went:\n%s", reason.c_str(), seen.c_str());
  CHECK(false && "step_until");
}

void put_on_record(JobWorld& world, JobStage stage, const std::string& reason) {
  FinishedRun run;
  run.run_hash = world.state().run_hash;
  run.stage = stage;
  run.reason = reason;
  run.finished_at = world.now.wall;
  world.ledger = FinishedRuns{run};
}

Plan settle(JobWorld& world) {
  std::string before;
  for (int step = 0; step < k_steps_max; ++step) {
    const Plan plan = world.step();
    const bool quiet =
        plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty();
    if (quiet && render(plan) == before) return plan;
    before = quiet ? render(plan) : "";
  }
  std::fprintf(stderr, "it never comes to rest:\n%s", render(world.plan()).c_str());
  CHECK(false && "settle");
}

}  // namespace ray_gitops::test
