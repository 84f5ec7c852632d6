// What people do to files of jobs.
#include "tests/simulation/user.h"

namespace ray_gitops::simulation {
namespace {

constexpr std::int64_t k_jobs_max = 4;
constexpr int k_work_seconds_max = 60;

Work new_work(Random& random) {
  const std::int64_t kind = random.below(10);
  const std::int64_t seconds = random.between(1, k_work_seconds_max);
  Work work{WorkKind::Work, static_cast<int>(seconds)};
  if (kind >= 5) work.kind = WorkKind::Fail;
  if (kind >= 7) work.kind = WorkKind::Flaky;
  if (kind >= 8) work.kind = WorkKind::Forever;
  return work;
}

// The cluster of a job is one that is declared, or one that may be some day.
void select_cluster(JobModel& job, const Repository& repository, Random& random) {
  job.selects = "c" + std::to_string(random.below(6));
  if (!repository.clusters.empty()) {
    const auto& [name, cluster] = random.pick(repository.clusters);
    job.selects = name;
    if (cluster.ns != k_far_ns) job.ns = cluster.ns;
  }
  job.shuts_down = false;
}

}  // namespace

void User::act_on_jobs() {
  const std::int64_t choice = core_.random.below(100);
  if (choice < 40)
    edit("add a job", [this](Repository& repository) { add_job(repository); });
  else if (choice < 75)
    edit("change a job", [this](Repository& repository) { change_job(repository); });
  else if (choice < 92)
    edit("remove a job", [this](Repository& repository) { remove_job(repository); });
  else
    edit("damage or mend a job", [this](Repository& repository) { damage_job(repository); });
}

JobModel User::new_job(const std::string& name, const Repository& repository) {
  JobModel job;
  const bool in_team = repository.companions && core_.random.chance(300);
  job.ns = in_team ? k_team_ns : "default";
  job.path = "jobs/" + name + ".yaml";
  job.work = new_work(core_.random);
  const bool selects = core_.random.chance(350);
  if (selects) {
    select_cluster(job, repository, core_.random);
  } else {
    job.workers = core_.random.between(0, 1);
    job.backoff_limit = static_cast<int>(core_.random.between(0, 2));
    if (job.work.kind == WorkKind::Flaky) job.backoff_limit = 1;
    job.shuts_down = core_.random.chance(700);
    const bool stays = job.shuts_down && core_.random.chance(400);
    job.ttl = stays ? static_cast<int>(core_.random.between(5, 90)) : 0;
  }
  const bool ends = job.work.kind == WorkKind::Forever && core_.random.chance(500);
  job.deadline = ends ? static_cast<int>(core_.random.between(20, 180)) : 0;
  return job;
}

// Sometimes one comes back as it was: it has run already.
void User::add_job(Repository& repository) {
  const std::string name = "j" + std::to_string(core_.random.below(k_jobs_max));
  const bool comes_back = core_.random.chance(600);
  if (repository.jobs.contains(name)) return;
  if (comes_back && gone_jobs_.contains(name))
    repository.jobs[name] = gone_jobs_.at(name);
  else
    repository.jobs[name] = new_job(name, repository);
}

void User::change_job(Repository& repository) {
  if (repository.jobs.empty()) return;
  const std::string name = core_.random.pick(repository.jobs).first;
  JobModel& job = repository.jobs.at(name);
  ++edits_;
  const std::int64_t choice = core_.random.below(7);
  const bool is_own = job.selects.empty();
  if (choice < 2) return change_run(job);
  if (choice == 2) job.path = "moved/" + std::to_string(edits_) + "/" + name + ".yaml";
  if (choice == 3 && is_own) job.workers = core_.random.between(0, 2);
  if (choice == 4 && is_own && job.work.kind != WorkKind::Flaky) ++job.backoff_limit;
  if (choice == 5 && is_own && !job.suspend) {
    job.shuts_down = !job.shuts_down;
    job.ttl = 0;
  }
  if (choice == 6 && is_own && job.shuts_down) job.suspend = !job.suspend;
}

// Another run of the same job; sometimes one that was there before.
void User::change_run(JobModel& job) {
  const bool again = core_.random.chance(700);
  if (again) {
    job.again = static_cast<int>(core_.random.between(0, 3));
    return;
  }
  const bool ended_by_deadline = job.deadline != 0;
  job.work = new_work(core_.random);
  if (ended_by_deadline) job.work.kind = WorkKind::Forever;
  if (job.work.kind == WorkKind::Flaky && job.selects.empty()) job.backoff_limit = 1;
}

void User::remove_job(Repository& repository) {
  if (repository.jobs.empty()) return;
  const std::string name = core_.random.pick(repository.jobs).first;
  gone_jobs_[name] = repository.jobs.at(name);
  gone_jobs_[name].damage = Damage::None;
  repository.jobs.erase(name);
}

void User::damage_job(Repository& repository) {
  if (repository.jobs.empty()) return;
  const std::string name = core_.random.pick(repository.jobs).first;
  JobModel& job = repository.jobs.at(name);
  const bool mends = job.damage != Damage::None;
  const std::int64_t damage = core_.random.between(1, 4);
  job.damage = mends ? Damage::None : static_cast<Damage>(damage);
}

}  // namespace ray_gitops::simulation
