// The file is gone: what may be running is stopped, its outcome goes on record, its clusters leave,
// then its anchor.

#include <gtest/gtest.h>

#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

Plan remove_file(JobWorld& world) {
  world.file.reset();
  return settle(world);
}

void expect_gone(const JobWorld& world, const Plan& plan) {
  EXPECT_EQ(plan.phase, Phase::Removing);
  EXPECT_TRUE(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
  EXPECT_FALSE(world.anchor);
  EXPECT_TRUE(world.children.empty());
}

TEST(Removal, of_a_running_job_records_that_it_was_stopped_before_anything_leaves) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.status_is_published = false;
  const Plan held = remove_file(world);
  EXPECT_NE(held.message.find("its outcome is being published"), std::string::npos);
  EXPECT_EQ(world.children.size(), 1u);
  world.status_is_published = true;
  expect_gone(world, settle(world));
  ASSERT_EQ(world.ledger->size(), 1u);
  EXPECT_EQ(world.ledger->front().stage, JobStage::Stopped);
  EXPECT_EQ(world.ledger->front().reason, "FileRemoved");
  world.file = own_job();
  EXPECT_EQ(settle(world).reason, "FileRemoved") << "it does not run again when its file is back";
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Removal, of_a_job_that_runs_on_a_shared_cluster_stops_it_there) {
  JobWorld world(job_on_shared());
  world.add_shared_cluster();
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Running;
  step_until(world, "JobRunning");
  expect_gone(world, remove_file(world));
  EXPECT_EQ(world.stops.size(), 1u);
  EXPECT_EQ(world.unfinished_job(), nullptr);
  EXPECT_TRUE(world.clusters.contains("shared"));
}

TEST(Removal, of_a_job_whose_shared_head_does_not_answer_is_done_after_half_a_minute) {
  JobWorld world(job_on_shared());
  world.add_shared_cluster();
  step_until(world, "JobPending");
  world.head_is_silent = true;
  expect_gone(world, remove_file(world));
}

TEST(Removal, of_a_job_that_waits_for_its_first_cluster_leaves_no_outcome) {
  JobWorld world(own_job());
  world.clusters_come_up = false;
  step_until(world, "WaitingForCluster");
  world.step();
  expect_gone(world, remove_file(world));
  EXPECT_TRUE(world.ledger->empty());
}

TEST(Removal, of_a_job_between_two_attempts_records_it) {
  JobWorld world(own_job("  backoffLimit: 2\n"));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Failed;
  step_until(world, "WaitingForCluster");
  expect_gone(world, remove_file(world));
  EXPECT_EQ(world.ledger->size(), 1u);
}

TEST(Removal, of_a_job_that_has_ended_keeps_its_outcome) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
  expect_gone(world, remove_file(world));
  EXPECT_EQ(world.ledger->front().stage, JobStage::Succeeded);
  EXPECT_TRUE(world.stops.empty());
}

TEST(Removal, of_an_anchor_that_cannot_be_read_takes_everything_away) {
  for (std::string ConfigMapView::* part : {&ConfigMapView::state, &ConfigMapView::document}) {
    JobWorld world(own_job());
    step_until(world, "JobPending");
    (*world.anchor).*part = "not readable";
    expect_gone(world, remove_file(world));
  }
}

TEST(Removal, waits_for_the_ledger_to_be_read_unless_it_is_closed) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.ledger.reset();
  remove_file(world);
  EXPECT_TRUE(world.anchor.has_value());
  world.ledger_closed = true;
  expect_gone(world, settle(world));
}

TEST(Removal, deletes_with_the_anchors_uid) {
  JobWorld world(own_job());
  world.clusters_come_up = false;
  world.step();
  world.file.reset();
  const Plan plan = world.plan();
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].verb, Verb::Delete);
  EXPECT_EQ(plan.actions[0].preconditions.uid, world.anchor->meta.uid);
  world.anchor->meta.terminating = true;
  EXPECT_TRUE(world.plan().actions.empty());
}

}  // namespace
}  // namespace ray_gitops::test
