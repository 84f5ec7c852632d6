// An edit that changes the run waits while an attempt is submitted; other edits take effect at
// once.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

TEST(Edit, of_the_run_waits_until_the_one_in_progress_has_ended_and_is_on_record) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.file = own_job("", "2");
  world.step();
  EXPECT_NE(world.plan().message.find("the edit of commit ccccccc waits"), std::string::npos);
  world.status_is_published = false;
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
  const Plan held = settle(world);
  EXPECT_NE(held.message.find("waits until this outcome is published"), std::string::npos);
  EXPECT_EQ(world.starts.size(), 1u);
  world.status_is_published = true;
  step_until(world, "JobPending");
  ASSERT_EQ(world.starts.size(), 2u);
  EXPECT_NE(world.starts[0].run, world.starts[1].run);
  EXPECT_EQ(world.children.size(), 1u);
  EXPECT_EQ(world.state().finished.size(), 1u);
}

TEST(Edit, of_the_run_does_not_change_what_is_submitted_for_the_one_in_progress) {
  JobWorld world(own_job());
  step_until(world, "Submitting");
  world.step();
  world.file = own_job("  entrypointNumCpus: 4\n", "2");
  while (world.starts.empty()) {
    const auto requests = world.plan().ray_requests;
    if (!requests.empty() && requests.front().verb == RayVerb::SubmitJob) {
      EXPECT_FALSE(requests.front().body.json().contains("entrypoint_num_cpus"));
    }
    world.step();
  }
  EXPECT_EQ(anchored_document(*world.anchor).value(), own_job().document);
}

TEST(Edit, of_the_run_gives_up_a_submission_that_never_arrived_and_cannot_be_read_any_more) {
  JobWorld world(own_job());
  step_until(world, "Submitting");
  world.step();
  world.file = own_job("", "2");
  world.anchor->document = "not a document";
  step_until(world, "JobPending");
  ASSERT_EQ(world.state().finished.size(), 1u);
  EXPECT_EQ(world.state().finished[0].reason, "Superseded");
  ASSERT_EQ(world.starts.size(), 1u);
  EXPECT_EQ(world.state().run_hash, std::get<RayJobSpec>(world.file->spec).run_hash);
}

TEST(Edit, of_the_run_takes_the_place_of_one_that_waits) {
  JobWorld world(own_job());
  world.clusters_come_up = false;
  step_until(world, "WaitingForCluster");
  world.step();
  const std::string first = world.children.at(0).anchor_name;
  world.file = own_job("", "2");
  world.clusters_come_up = true;
  step_until(world, "JobPending");
  ASSERT_EQ(world.children.size(), 1u);
  EXPECT_NE(world.children[0].anchor_name, first);
  EXPECT_EQ(world.starts.size(), 1u);
  EXPECT_TRUE(world.state().finished.empty()) << "what was never submitted has not run";
}

TEST(Edit, of_the_run_before_a_further_attempt_ends_the_run_as_superseded) {
  JobWorld world(own_job("  backoffLimit: 2\n"));
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Failed;
  step_until(world, "WaitingForCluster");
  world.file = own_job("  backoffLimit: 2\n", "2");
  EXPECT_EQ(world.step().reason, "Superseded");
  EXPECT_EQ(world.state().stage, JobStage::Failed);
  step_until(world, "JobPending");
  ASSERT_EQ(world.state().finished.size(), 1u);
  EXPECT_EQ(world.state().finished[0].reason, "Superseded");
  EXPECT_EQ(world.starts.size(), 2u);
}

TEST(Edit, back_to_a_run_that_has_ended_shows_its_outcome_and_runs_nothing) {
  JobWorld world(own_job());
  for (const char* run : {"1", "2"}) {
    world.file = own_job("", run);
    step_until(world, "JobPending");
    world.unfinished_job()->status = *run == '1' ? RayJobStatus::Failed : RayJobStatus::Succeeded;
    step_until(world, *run == '1' ? "JobFailed" : "JobSucceeded");
    settle(world);
  }
  world.file = own_job("", "1");
  step_until(world, "JobFailed");
  const Plan plan = settle(world);
  EXPECT_NE(plan.message.find("give the annotation ray-gitops.io/run another value"),
            std::string::npos);
  EXPECT_EQ(world.starts.size(), 2u);
  EXPECT_EQ(world.state().finished.size(), 2u);
}

TEST(Edit, of_what_scales_the_cluster_reaches_it_while_the_job_runs) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  const std::string uid = world.children.at(0).meta.uid;
  const std::string state = world.children.at(0).state;
  world.file = own_job("  backoffLimit: 1\n");
  nlohmann::json cluster = std::get<RayJobSpec>(world.file->spec).cluster.json();
  cluster["spec"]["headGroupSpec"]["serviceType"] = "NodePort";
  std::get<RayJobSpec>(world.file->spec).cluster = Document{cluster};
  EXPECT_EQ(world.step().reason, "DocumentChanged");
  const Plan plan = world.step();
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].verb, Verb::Replace);
  EXPECT_EQ(plan.actions[0].preconditions.uid, uid);
  EXPECT_FALSE(plan.actions[0].preconditions.resource_version.empty());
  EXPECT_EQ(plan.phase, Phase::Running);
  ASSERT_EQ(world.children.size(), 1u);
  EXPECT_EQ(world.children[0].meta.owner_uid, world.anchor->meta.uid);
  EXPECT_EQ(world.children[0].state, state);
  EXPECT_EQ(anchored_document(world.children[0])->json()["spec"], cluster["spec"]);
  EXPECT_TRUE(world.step().actions.empty());
}

TEST(Edit, of_what_scales_the_cluster_reaches_one_that_stays_after_its_job) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
  auto& spec = std::get<RayJobSpec>(world.file->spec);
  nlohmann::json cluster = spec.cluster.json();
  cluster["spec"]["headGroupSpec"]["serviceType"] = "NodePort";
  spec.cluster = Document{cluster};
  settle(world);
  EXPECT_EQ(anchored_document(world.children.at(0))->json()["spec"], cluster["spec"]);
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Edit, of_other_fields_is_saved_without_another_run) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.file = own_job("  shutdownAfterJobFinishes: true\n");
  EXPECT_EQ(world.step().reason, "DocumentChanged");
  world.unfinished_job()->status = RayJobStatus::Succeeded;
  step_until(world, "JobSucceeded");
  settle(world);
  EXPECT_TRUE(world.children.empty());
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Edit, of_the_run_waits_until_what_missed_its_deadline_on_a_shared_cluster_has_stopped) {
  JobWorld world(job_on_shared("  activeDeadlineSeconds: 600\n"));
  world.add_shared_cluster();
  step_until(world, "JobPending");
  world.unfinished_job()->status = RayJobStatus::Running;
  step_until(world, "JobRunning");
  world.pass(std::chrono::minutes(10));
  world.file = job_on_shared("", "2");
  step_until(world, "JobPending");
  EXPECT_EQ(world.stops.size(), 1u);
  EXPECT_EQ(world.starts.size(), 2u);
}

}  // namespace
}  // namespace ray_gitops::test
