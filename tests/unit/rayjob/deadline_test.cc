// Deadlines are of one attempt, by wall clock, and are judged with the head's word in hand.

#include <gtest/gtest.h>

#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

TEST(Deadline, active_ends_the_run_while_it_waits_and_is_not_tried_again) {
  JobWorld world(own_job("  activeDeadlineSeconds: 600\n  backoffLimit: 3\n"));
  world.clusters_come_up = false;
  const Plan waiting = step_until(world, "WaitingForCluster");
  ASSERT_TRUE(waiting.next_look_at);
  EXPECT_GT(*waiting.next_look_at - world.now.monotonic, std::chrono::seconds(590));
  world.pass(std::chrono::minutes(10));
  const Plan plan = step_until(world, "DeadlineExceeded");
  EXPECT_EQ(plan.phase, Phase::Failed);
  EXPECT_EQ(world.state().attempt, 1);
}

TEST(Deadline, active_on_a_shared_cluster_is_saved_first_and_then_stops_the_job) {
  JobWorld world(job_on_shared("  activeDeadlineSeconds: 600\n"));
  world.add_shared_cluster();
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Running;
  step_until(world, "JobRunning");
  world.pass(std::chrono::minutes(10));
  step_until(world, "DeadlineExceeded");
  EXPECT_TRUE(world.stops.empty()) << "its outcome is saved first";
  settle(world);
  EXPECT_EQ(world.stops.size(), 1u);
  EXPECT_EQ(world.unfinished_job(), nullptr);
}

TEST(Deadline, active_asks_a_job_that_cannot_be_stopped_no_longer_than_its_patience) {
  JobWorld world(job_on_shared("  activeDeadlineSeconds: 600\n"));
  world.add_shared_cluster();
  step_until(world, "JobPending");  // PENDING for resources: Ray cannot stop it
  world.pass(std::chrono::minutes(10));
  step_until(world, "DeadlineExceeded");
  for (int step = 0; step < 60; ++step) world.step();
  EXPECT_GE(world.stops.size(), 5u);
  EXPECT_LE(world.stops.size(), 31u);
  const Plan plan = world.plan();
  EXPECT_TRUE(plan.ray_requests.empty());
  EXPECT_FALSE(plan.next_look_at);
}

TEST(Deadline, active_never_stops_a_job_of_others) {
  JobWorld world(job_on_shared("  jobId: mine\n  activeDeadlineSeconds: 600\n"));
  world.add_shared_cluster();
  step_until(world, "Submitting");
  world.step();
  world.head_is_silent = true;
  world.step();
  world.pass(std::chrono::minutes(10));
  step_until(world, "DeadlineExceeded");
  world.only_cluster()->head->jobs["mine"].run = "someone-else";
  world.only_cluster()->head->jobs["mine"].status = RayJobStatus::Running;
  world.head_is_silent = false;
  settle(world);
  EXPECT_TRUE(world.stops.empty());
}

TEST(Deadline, active_ends_a_job_whose_head_does_not_answer) {
  JobWorld world(own_job("  activeDeadlineSeconds: 600\n"));
  step_until(world, "JobPending");
  world.head_is_silent = true;
  for (int step = 0; step < 5; ++step) world.step();
  world.pass(std::chrono::minutes(10));
  EXPECT_EQ(step_until(world, "DeadlineExceeded").phase, Phase::Failed);
}

TEST(Deadline, of_a_job_that_has_ended_while_the_agent_was_away_is_not_held_against_it) {
  JobWorld world(own_job("  activeDeadlineSeconds: 600\n"));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  world.crash();
  world.pass(std::chrono::hours(2));
  step_until(world, "JobSucceeded");
  EXPECT_EQ(settle(world).phase, Phase::Succeeded);
}

TEST(Deadline, pre_running_is_tried_again_on_a_new_cluster) {
  JobWorld world(own_job("  preRunningDeadlineSeconds: 60\n  backoffLimit: 1\n"));
  step_until(world, "JobPending");
  world.pass(std::chrono::seconds(61));
  step_until(world, "Retrying");
  step_until(world, "JobPending");
  EXPECT_EQ(world.state().attempt, 2);
  world.pass(std::chrono::seconds(61));
  EXPECT_EQ(step_until(world, "PreRunningDeadlineExceeded").phase, Phase::Failed);
}

TEST(Deadline, pre_running_is_met_for_good_once_ray_has_said_running) {
  JobWorld world(own_job("  preRunningDeadlineSeconds: 60\n"));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Running;
  step_until(world, "JobRunning");
  world.step();
  EXPECT_TRUE(world.state().was_running);
  world.crash();
  world.head_is_silent = true;
  world.pass(std::chrono::hours(1));
  for (int step = 0; step < 5; ++step) EXPECT_EQ(world.step().phase, Phase::Running);
}

TEST(Deadline, that_is_not_set_costs_no_save_for_running) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Running;
  step_until(world, "JobRunning");
  const std::string version = world.anchor->meta.resource_version;
  for (int step = 0; step < 5; ++step) world.step();
  EXPECT_EQ(world.anchor->meta.resource_version, version);
}

TEST(Deadline, the_earlier_of_two_is_looked_at) {
  JobWorld world(own_job("  activeDeadlineSeconds: 50\n  preRunningDeadlineSeconds: 60\n"));
  world.clusters_come_up = false;
  step_until(world, "WaitingForCluster");
  world.pass(std::chrono::seconds(70));
  EXPECT_EQ(step_until(world, "DeadlineExceeded").phase, Phase::Failed);
}

}  // namespace
}  // namespace ray_gitops::test
