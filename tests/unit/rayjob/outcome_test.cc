// Terminal results first: in the anchor, then in Git, and only then may a cluster go. What is on
// record does not run again.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

void succeed(JobWorld& world) {
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
}

TEST(Outcome, is_published_before_the_cluster_goes) {
  JobWorld world(own_job("  shutdownAfterJobFinishes: true\n"));
  world.status_is_published = false;
  succeed(world);
  const Plan held = settle(world);
  EXPECT_NE(held.message.find("its outcome is being published"), std::string::npos);
  EXPECT_EQ(world.children.size(), 1u);
  world.status_is_published = true;
  settle(world);
  EXPECT_TRUE(world.children.empty());
  EXPECT_TRUE(world.anchor.has_value());
}

TEST(Outcome, stays_in_the_anchor_alone_where_the_ledger_is_closed) {
  JobWorld world(own_job("  shutdownAfterJobFinishes: true\n"));
  world.ledger_closed = true;
  succeed(world);
  settle(world);
  EXPECT_TRUE(world.children.empty());
  EXPECT_EQ(world.state().finished.size(), 1u);
}

TEST(Outcome, keeps_the_cluster_for_as_long_as_its_file_says) {
  JobWorld world(own_job("  shutdownAfterJobFinishes: true\n  ttlSecondsAfterFinished: 300\n"));
  succeed(world);
  const Plan kept = settle(world);
  EXPECT_NE(kept.message.find("its cluster stays until 20"), std::string::npos) << kept.message;
  ASSERT_TRUE(kept.next_look_at);
  EXPECT_EQ(world.children.size(), 1u);
  world.pass(std::chrono::minutes(5));
  settle(world);
  EXPECT_TRUE(world.children.empty());
}

TEST(Outcome, in_the_ledger_keeps_a_job_from_running_when_its_anchor_is_lost) {
  JobWorld world(own_job());
  succeed(world);
  settle(world);
  world.anchor.reset();
  world.children.clear();
  world.clusters.clear();
  world.crash();
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Succeeded);
  EXPECT_NE(plan.message.find("does not run again"), std::string::npos);
  EXPECT_EQ(world.starts.size(), 1u);
  EXPECT_TRUE(world.children.empty());
}

TEST(Outcome, that_may_be_on_record_keeps_a_job_without_an_anchor_from_starting) {
  JobWorld world(own_job());
  world.ledger.reset();
  const Plan plan = settle(world);
  EXPECT_EQ(plan.reason, "NotYetKnown");
  EXPECT_NE(plan.message.find("before the status branch has been read"), std::string::npos);
  EXPECT_FALSE(world.anchor);
  world.ledger = FinishedRuns{};
  step_until(world, "JobPending");
}

TEST(Outcome, that_comes_on_record_while_the_job_waits_keeps_it_from_running) {
  JobWorld world(own_job());
  world.clusters_come_up = false;
  step_until(world, "WaitingForCluster");
  put_on_record(world, JobStage::Failed, "JobFailed");
  world.clusters_come_up = true;
  EXPECT_EQ(settle(world).reason, "JobFailed");
  EXPECT_TRUE(world.starts.empty());
  EXPECT_TRUE(world.children.size() <= 1);
}

TEST(Outcome, of_an_anchor_that_cannot_be_read_is_left_to_a_person) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.anchor->state = "{\"stage\": \"Confused\"}";
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_EQ(plan.reason, "StateUnreadable");
  EXPECT_NE(plan.message.find("delete ConfigMap/default/rayjob.train"), std::string::npos);
  EXPECT_EQ(world.children.size(), 1u);
}

TEST(Outcome, waits_while_the_anchor_is_being_deleted) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.anchor->meta.terminating = true;
  const Plan plan = world.plan();
  EXPECT_EQ(plan.reason, "AnchorLeaving");
  EXPECT_TRUE(plan.actions.empty() && plan.ray_requests.empty());
}

TEST(RefusedWrite, is_what_there_is_to_say) {
  JobWorld world(own_job());
  const ResourceKey anchor = anchor_key({Kind::RayJob, "default", "train"});
  world.refusals[anchor] = {{ErrorCode::Forbidden, "no quota", ""}, 1, world.now.monotonic};
  EXPECT_EQ(world.plan().reason, "WriteRefused");
  EXPECT_EQ(world.plan().phase, Phase::Degraded);
  EXPECT_NE(world.plan().message.find("no quota"), std::string::npos);
  world.refusals[anchor].error.code = ErrorCode::AlreadyExists;
  EXPECT_EQ(world.plan().reason, "NameTaken");
  EXPECT_EQ(world.plan().phase, Phase::Blocked);
  EXPECT_FALSE(world.plan().conditions.at(0).status);
}

TEST(RefusedWrite, of_a_document_that_is_too_large_blocks_the_job) {
  JobWorld world(own_job());
  std::string noise;
  for (unsigned value = 1; noise.size() < (1u << 20); value = value * 1664525u + 1013904223u)
    noise += static_cast<char>('0' + (value >> 24) % 75);
  nlohmann::json document = world.file->document.json();
  document["spec"]["entrypoint"] = noise;
  world.file->document = Document{document};
  EXPECT_EQ(world.plan().phase, Phase::Blocked);
  EXPECT_EQ(world.plan().reason, "LimitExceeded");
}

}  // namespace
}  // namespace ray_gitops::test
