#include "tests/simulation/checkers/end_state_jobs.h"

#include <nlohmann/json.hpp>

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

// How an undisturbed run of it ends.
JobStage expected_stage(const JobModel& job) {
  const bool succeeds = job.work.kind == WorkKind::Work ||
                        (job.work.kind == WorkKind::Flaky && job.backoff_limit > 0);
  return succeeds ? JobStage::Succeeded : JobStage::Failed;
}

bool may_have_ended_so(const Scene& scene, const RunId& id, const JobModel& job,
                       const FinishedRun& run) {
  if (scene.jobs.is_disturbed(id) || run.reason == "Superseded") return true;
  if (job.work.kind == WorkKind::Forever) return run.reason == "DeadlineExceeded";
  return run.stage == expected_stage(job);
}

bool has_cluster(const Scene& scene, const JobModel& job) {
  if (job.selects.empty()) return true;
  const auto& clusters = scene.user.wanted().clusters;
  const auto found = clusters.find(job.selects);
  if (found == clusters.end() || found->second.ns != job.ns || found->second.suspend) return false;
  return job.ns != "default" || !scene.user.is_blocked(job.selects);
}

// Empty when all is well.
std::string problem_of(const Scene& scene, const std::string& name, const JobModel& job,
                       const StatusCommit& status, const Json& file) {
  const ObjectKey key = key_of(name, job);
  if (job.ns == "default" && scene.user.is_job_blocked(name))
    return file["reason"] == "NameTaken" ? "" : "is not shown as one whose name is taken";
  const RunId id{key, run_hash_of(name, job)};
  const FinishedRuns runs = runs_on_record(status, key);
  if (const FinishedRun* run = find_run(runs, id.run_hash)) {
    if (!may_have_ended_so(scene, id, job, *run))
      return std::string("has ended as ") + name_of(run->stage) + ": " + run->reason;
    const bool is_success = run->stage == JobStage::Succeeded;
    const bool shown = file["phase"] == (is_success ? "Succeeded" : "Failed");
    return shown || runs_for_ever(scene, key) ? "" : "is not shown as one that has ended";
  }
  if (job.suspend) return file["phase"] == "Suspended" ? "" : "is not shown as suspended";
  if (runs_for_ever(scene, key)) return file["phase"] == "Running" ? "" : "is not shown as running";
  return has_cluster(scene, job) ? "has not ended" : "";
}

}  // namespace

void check_jobs(const Scene& scene, const StatusCommit& status, Problems& problems) {
  for (const auto& [name, job] : scene.user.wanted().jobs) {
    const std::string path = "objects/" + job.ns + "/rayjob/" + name + ".json";
    const auto found = status.files.find(path);
    if (found == status.files.end()) {
      problems.push_back("the status has no " + path);
      continue;
    }
    const Json file = Json::parse(found->second);
    const std::string problem = problem_of(scene, name, job, status, file);
    if (!problem.empty())
      problems.push_back("job " + name + " " + problem + " (" + file["phase"].dump() + ", " +
                         file["reason"].dump() + ": " + file["message"].dump() + ")");
    if (file["file"] != job.path)
      problems.push_back("the status says that " + name + " is in " + file["file"].dump());
  }
}

bool is_wanted_child(const Scene& scene, const ObjectKey& cluster) {
  const ChildRun* child = scene.jobs.child(cluster);
  if (child == nullptr || scene.jobs.is_surplus(cluster)) return false;
  const ObjectKey& job = child->run.job;
  const auto& jobs = scene.user.wanted().jobs;
  const auto found = jobs.find(job.name);
  return found != jobs.end() && found->second.ns == job.ns;
}

bool runs_for_ever(const Scene& scene, const ObjectKey& job) {
  const auto anchor = scene.truth.anchor(job);
  const auto applied = scene.truth.applied(job);
  if (!anchor || !applied) return false;
  const Result<JobState> state = anchored_job_state(*anchor);
  const auto& spec = std::get<RayJobSpec>(applied->spec);
  return state && state->stage == JobStage::Submitting && spec.run_hash == state->run_hash &&
         parse_work(spec.entrypoint).kind == WorkKind::Forever && !spec.active_deadline;
}

}  // namespace ray_gitops::simulation
