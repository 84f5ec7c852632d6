// Whatever happens, in whatever order: no attempt is started twice, there are no more attempts than
// declared, and the job ends. Whatever a world looks like: a plan touches only what is the job's.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "reconcilers/manifest/names.h"
#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

using rc::gen::arbitrary;
using rc::gen::element;
using rc::gen::inRange;

constexpr int k_backoff_limit = 2;

void let_ray_go_on(JobWorld& world) {
  RayJobInfo* job = world.unfinished_job();
  if (job == nullptr) return;
  job->status = *element(RayJobStatus::Running, RayJobStatus::Running, RayJobStatus::Failed,
                         RayJobStatus::Succeeded);
}

void let_something_happen(JobWorld& world) {
  switch (*inRange(0, 12)) {
    case 0:
      world.head_is_silent = *arbitrary<bool>();
      return;
    case 1:
      world.answers_are_lost = *arbitrary<bool>();
      return;
    case 2:
      return world.crash();
    case 3:
      return world.restart_head_in_place();
    case 4:
      return world.replace_head();
    case 5:
      world.submissions_refused = *inRange(0, 4) == 0;
      return;
    case 6:
      world.status_is_published = *arbitrary<bool>();
      return;
    case 7:
      world.clusters_come_up = *arbitrary<bool>();
      return;
    default:
      return let_ray_go_on(world);
  }
}

// Of the run that the file declares, or of everything when it is gone.
bool is_over(const JobWorld& world) {
  if (!world.file) return !world.anchor;
  return world.anchor && has_ended(world.state().stage) &&
         world.state().run_hash == std::get<RayJobSpec>(world.file->spec).run_hash;
}

Plan end_well(JobWorld& world) {
  world.head_is_silent = false;
  world.answers_are_lost = false;
  world.submissions_refused = false;
  world.status_is_published = true;
  world.clusters_come_up = true;
  for (int step = 0; step < 200; ++step) {
    if (RayJobInfo* job = world.unfinished_job()) job->status = RayJobStatus::Succeeded;
    world.step();
    if (is_over(world)) break;
  }
  return settle(world);
}

void expect_fair_starts(const JobWorld& world) {
  std::map<std::string, int> by_attempt;
  for (const Start& start : world.starts) ++by_attempt[start.run];
  for (const auto& [run, count] : by_attempt) {
    RC_LOG() << run << " was started " << count << " times\n";
    RC_ASSERT(count == 1);
  }
}

TEST(AnyFaults, start_no_attempt_twice_and_no_more_than_are_declared) {
  EXPECT_TRUE(rc::check([] {
    JobWorld world(own_job("  shutdownAfterJobFinishes: true\n  backoffLimit: " +
                           std::to_string(k_backoff_limit) + "\n"));
    const int steps = *inRange(0, 80);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 3) == 0) let_something_happen(world);
      world.step();
    }
    const Plan plan = end_well(world);
    expect_fair_starts(world);
    RC_ASSERT(world.starts.size() <= k_backoff_limit + 1u);
    RC_ASSERT(has_ended(world.state().stage));
    RC_ASSERT(plan.phase == Phase::Succeeded || plan.phase == Phase::Failed);
    RC_ASSERT(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
    RC_ASSERT(world.children.empty());
    RC_ASSERT(world.ledger->size() == 1u);
  }));
}

TEST(AnyFaults, leave_nothing_of_a_job_whose_file_is_removed) {
  EXPECT_TRUE(rc::check([] {
    JobWorld world(own_job("  backoffLimit: 1\n"));
    const int steps = *inRange(0, 40);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 3) == 0) let_something_happen(world);
      if (*inRange(0, 10) == 0)
        world.file = own_job("  backoffLimit: 1\n", *element<std::string>("1", "2"));
      world.step();
    }
    world.file.reset();
    const Plan plan = end_well(world);
    expect_fair_starts(world);
    RC_ASSERT(!world.anchor && world.children.empty());
    RC_ASSERT(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
  }));
}

TEST(AnyFaults, with_edits_and_suspensions_start_each_run_at_most_once_after_another) {
  EXPECT_TRUE(rc::check([] {
    const auto job = [](bool suspended, const std::string& run) {
      return own_job(std::string("  shutdownAfterJobFinishes: true\n") +
                         (suspended ? "  suspend: true\n" : ""),
                     run);
    };
    JobWorld world(job(false, "1"));
    const int steps = *inRange(0, 80);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 4) == 0) let_something_happen(world);
      if (*inRange(0, 8) == 0)
        world.file = job(*arbitrary<bool>(), *element<std::string>("1", "2", "3"));
      world.step();
      RC_ASSERT(world.children.size() <= 1u);
    }
    world.file = job(false, "3");
    end_well(world);
    RC_ASSERT(has_ended(world.state().stage));
    RC_ASSERT(world.state().run_hash == std::get<RayJobSpec>(world.file->spec).run_hash);
  }));
}

std::string any_text() {
  return *element<std::string>("", "head-1", "head-2", "session-1", "train", "x", "mine");
}

std::optional<std::optional<RayJobInfo>> any_job() {
  if (*arbitrary<bool>()) return std::nullopt;
  if (*inRange(0, 3) == 0) return std::optional<RayJobInfo>{};
  RayJobInfo info;
  info.status = static_cast<RayJobStatus>(*inRange(0, 5));
  info.run = any_text();
  info.error_type = *arbitrary<std::string>();
  info.message = *arbitrary<std::string>();
  return std::optional<RayJobInfo>{info};
}

void make_hostile(JobObserved& seen, Now now) {
  if (*arbitrary<bool>()) {
    seen.head.head_uid = any_text();
    seen.head.submission_id = any_text();
  }
  seen.head.job = any_job();
  seen.head.job_answered_at = {now.monotonic.milliseconds + *inRange(-5000, 5000)};
  if (*arbitrary<bool>()) seen.head.session = any_text();
  if (*inRange(0, 4) == 0) seen.head.refused = Error{ErrorCode::Rejected, any_text(), ""};
  if (*inRange(0, 4) == 0) seen.head.silence = "it timed out";
  if (*inRange(0, 4) == 0) seen.anchored.reset();
  if (*inRange(0, 6) == 0) seen.ledger_closed = true;
  auto clusters = seen.clusters.value();
  for (auto& [name, cluster] : clusters) {
    cluster.ready = *arbitrary<bool>();
    if (*inRange(0, 3) == 0) cluster.head_uid = any_text();
    if (*inRange(0, 3) == 0) cluster.head_address = "";
  }
  if (*inRange(0, 6) == 0) clusters.clear();
  seen.clusters = Known<std::map<std::string, ClusterFacts>>{clusters};
  auto children = seen.children.value();
  for (ConfigMapView& child : children) {
    child.meta.terminating = *inRange(0, 4) == 0;
    if (*inRange(0, 4) == 0) child.spec_hash = "v1:other";
    if (*inRange(0, 6) == 0) child.anchor_name = "other";
  }
  seen.children = Known<std::vector<ConfigMapView>>{children};
  auto anchor = seen.anchor.value();
  if (!anchor) return;
  if (*inRange(0, 6) == 0) anchor->meta.terminating = true;
  if (*inRange(0, 6) == 0) anchor->state = *arbitrary<std::string>();
  if (*inRange(0, 6) == 0) anchor->spec_hash = "v1:other";
  seen.anchor = Known<std::optional<ConfigMapView>>{anchor};
}

std::map<ResourceKey, std::string> owned_by_the_job(const JobObserved& seen) {
  std::map<ResourceKey, std::string> uids;
  if (const auto& anchor = seen.anchor.value()) uids[anchor->meta.key] = anchor->meta.uid;
  for (const ConfigMapView& child : seen.children.value()) uids[child.meta.key] = child.meta.uid;
  return uids;
}

void expect_careful(const Plan& plan, const JobObserved& seen) {
  const auto owned = owned_by_the_job(seen);
  RC_ASSERT(!plan.reason.empty() && !plan.message.empty());
  RC_ASSERT(std::is_sorted(
      plan.actions.begin(), plan.actions.end(), [](const Action& left, const Action& right) {
        return std::tie(left.wave, left.target) < std::tie(right.wave, right.target);
      }));
  for (const Action& action : plan.actions) {
    if (action.verb == Verb::Create) {
      RC_ASSERT(!owned.contains(action.target));
      continue;
    }
    RC_ASSERT(owned.contains(action.target));
    RC_ASSERT(action.preconditions.uid == owned.at(action.target));
    if (action.verb == Verb::Replace) RC_ASSERT(!action.preconditions.resource_version.empty());
  }
  for (const Retirement& retirement : plan.retirements)
    RC_ASSERT(owned.contains(anchor_key(retirement.cluster)));
  if (plan.ray_requests.empty()) return;
  RC_ASSERT(!plan.ray_requests.front().head_uid.empty() &&
            !plan.ray_requests.front().address.empty());
  RC_ASSERT(!plan.ray_requests.front().submission_id.empty());
}

TEST(AnyWorld, gets_a_plan_that_touches_only_what_is_the_jobs) {
  EXPECT_TRUE(rc::check([] {
    JobWorld world(*arbitrary<bool>() ? own_job("  backoffLimit: 1\n  activeDeadlineSeconds: 9\n")
                                      : job_on_shared());
    world.add_shared_cluster();
    const int steps = *inRange(0, 20);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 4) == 0) let_something_happen(world);
      world.step();
    }
    JobObserved seen = world.observed();
    make_hostile(seen, world.now);
    const Declaration other = own_job("  shutdownAfterJobFinishes: true\n  suspend: true\n", "2");
    expect_careful(plan_for(&*world.file, seen, world.now), seen);
    expect_careful(plan_for(&other, seen, world.now), seen);
    expect_careful(plan_for(nullptr, seen, world.now), seen);
  }));
}

}  // namespace
}  // namespace ray_gitops::test
