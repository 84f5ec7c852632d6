// Suspending stops a job and takes its cluster away; resuming begins at the first attempt.

#include <gtest/gtest.h>

#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

const std::string k_shuts_down = "  shutdownAfterJobFinishes: true\n";

Declaration suspended_job() { return own_job(k_shuts_down + "  suspend: true\n"); }
Declaration resumed_job() { return own_job(k_shuts_down + "  activeDeadlineSeconds: 60\n"); }

TEST(Suspension, from_the_beginning_makes_no_cluster) {
  JobWorld world(suspended_job());
  EXPECT_EQ(settle(world).phase, Phase::Suspended);
  EXPECT_TRUE(world.children.empty());
}

TEST(Suspension, does_not_count_towards_deadlines) {
  JobWorld world(suspended_job());
  settle(world);
  world.pass(std::chrono::hours(1));
  world.file = resumed_job();
  step_until(world, "JobPending");
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Suspension, takes_the_cluster_of_a_running_job_away_whole_before_it_can_be_resumed) {
  JobWorld world(own_job(k_shuts_down));
  step_until(world, "JobPending");
  const std::string first_head = world.only_cluster()->head->uid;
  world.file = suspended_job();
  EXPECT_EQ(world.step().reason, "Suspending");
  EXPECT_EQ(world.state().stage, JobStage::Waiting);
  EXPECT_TRUE(world.state().submission_id.empty());
  world.file = resumed_job();  // before anything has left
  step_until(world, "Resuming");
  ASSERT_EQ(world.children.size(), 1u);
  step_until(world, "JobPending");
  EXPECT_NE(world.only_cluster()->head->uid, first_head);
  EXPECT_EQ(world.starts.size(), 2u);
  EXPECT_EQ(world.state().attempt, 1);
}

TEST(Suspension, during_a_further_attempt_begins_anew_at_the_first) {
  JobWorld world(own_job(k_shuts_down + "  backoffLimit: 2\n"));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Failed;
  step_until(world, "WaitingForCluster");
  EXPECT_EQ(world.state().attempt, 2);
  world.file = suspended_job();
  EXPECT_EQ(settle(world).phase, Phase::Suspended);
  EXPECT_EQ(world.state().attempt, 1);
  EXPECT_TRUE(world.children.empty());
}

TEST(Suspension, leaves_a_job_that_has_ended_as_it_is) {
  JobWorld world(own_job(k_shuts_down));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
  world.file = suspended_job();
  EXPECT_EQ(settle(world).phase, Phase::Succeeded);
}

TEST(Suspension, together_with_another_run_stops_the_one_in_progress) {
  JobWorld world(own_job(k_shuts_down));
  step_until(world, "JobPending");
  world.file = own_job(k_shuts_down + "  suspend: true\n", "2");
  EXPECT_EQ(settle(world).phase, Phase::Suspended);
  world.file = own_job(k_shuts_down, "2");
  step_until(world, "JobPending");
  ASSERT_EQ(world.starts.size(), 2u);
  EXPECT_NE(world.starts[0].run, world.starts[1].run);
}

TEST(Suspension, of_a_run_that_is_on_record_says_that_it_has_ended) {
  JobWorld world(suspended_job());
  settle(world);
  put_on_record(world, JobStage::Succeeded, "JobSucceeded");
  EXPECT_EQ(settle(world).phase, Phase::Succeeded);
}

}  // namespace
}  // namespace ray_gitops::test
