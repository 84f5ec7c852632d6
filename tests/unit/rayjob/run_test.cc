// A job runs exactly as often as its file says, whatever happens on the way.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

void finish_job(JobWorld& world, RayJobStatus status) {
  ASSERT_NE(world.unfinished_job(), nullptr);
  world.unfinished_job()->status = status;
}

// From its file to its end.
Plan run_to_success(JobWorld& world) {
  step_until(world, "JobPending");
  finish_job(world, RayJobStatus::Succeeded);
  step_until(world, "JobSucceeded");
  return settle(world);
}

TEST(Run, goes_from_its_file_to_success_with_one_submission) {
  JobWorld world(own_job());
  const Plan plan = run_to_success(world);
  EXPECT_EQ(plan.phase, Phase::Succeeded);
  EXPECT_EQ(world.starts.size(), 1u);
  EXPECT_EQ(world.ledger->size(), 1u);
  EXPECT_EQ(world.children.size(), 1u) << "without shutdownAfterJobFinishes its cluster stays";
  EXPECT_TRUE(plan.conditions.at(0).status);
  EXPECT_FALSE(plan.next_look_at);
}

TEST(Run, is_submitted_with_what_its_file_says) {
  JobWorld world(own_job("  entrypointNumCpus: 0.5\n  entrypointResources: '{\"slot\": 1}'\n"));
  Plan plan = step_until(world, "Submitting");
  while (plan.ray_requests.empty() || plan.ray_requests.front().verb != RayVerb::SubmitJob)
    plan = world.step();
  const nlohmann::json& body = plan.ray_requests.front().body.json();
  const std::string tag = body.at("metadata").at("ray-gitops.io/run");
  EXPECT_EQ(body.at("submission_id"), "train-" + tag);
  EXPECT_TRUE(tag.ends_with("-1"));
  EXPECT_EQ(body.at("metadata").at("team"), "ml");
  EXPECT_EQ(body.at("entrypoint"), "python train.py");
  EXPECT_EQ(body.at("runtime_env").at("env_vars").at("A"), "b");
  EXPECT_EQ(body.at("entrypoint_num_cpus"), 0.5);
  EXPECT_EQ(body.at("entrypoint_resources").at("slot"), 1);
  EXPECT_FALSE(body.contains("entrypoint_num_gpus"));
}

TEST(Run, is_saved_with_head_and_session_before_it_is_submitted) {
  JobWorld world(own_job());
  while (world.starts.empty()) {
    const Plan plan = world.plan();
    if (!plan.ray_requests.empty() && plan.ray_requests.front().verb == RayVerb::SubmitJob) {
      EXPECT_EQ(world.state().stage, JobStage::Submitting);
      EXPECT_EQ(world.state().head_uid, world.only_cluster()->head->uid);
      EXPECT_EQ(world.state().session, world.only_cluster()->head->session);
      EXPECT_EQ(world.state().submission_id, plan.ray_requests.front().submission_id);
    }
    world.step();
  }
}

TEST(Run, runs_once_when_the_agent_is_restarted_after_any_step) {
  constexpr int k_steps = 14;
  for (int crash_at = 0; crash_at < k_steps; ++crash_at) {
    JobWorld world(own_job("  shutdownAfterJobFinishes: true\n  backoffLimit: 2\n"));
    for (int step = 0; step < k_steps; ++step) {
      world.step();
      if (step == crash_at) world.crash();
    }
    const Plan plan = run_to_success(world);
    EXPECT_EQ(plan.phase, Phase::Succeeded);
    EXPECT_EQ(world.starts.size(), 1u) << "restarted after step " << crash_at;
    EXPECT_TRUE(world.children.empty());
  }
}

TEST(Run, whose_submission_was_taken_and_not_answered_is_not_submitted_again) {
  JobWorld world(own_job());
  while (world.starts.empty()) {
    const auto requests = world.plan().ray_requests;
    world.answers_are_lost = !requests.empty() && requests.front().verb == RayVerb::SubmitJob;
    world.step();
  }
  EXPECT_EQ(world.plan().reason, "HeadSilent");
  world.answers_are_lost = false;
  run_to_success(world);
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Run, that_never_arrived_is_submitted_again_with_the_same_id) {
  JobWorld world(own_job());
  step_until(world, "Submitting");
  world.head_is_silent = true;
  for (int step = 0; step < 10; ++step) world.step();
  EXPECT_TRUE(world.starts.empty());
  world.head_is_silent = false;
  run_to_success(world);
  ASSERT_EQ(world.starts.size(), 1u);
  EXPECT_TRUE(world.starts[0].run.ends_with("-1"));
}

TEST(Run, whose_head_does_not_answer_goes_on_running) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  finish_job(world, RayJobStatus::Running);
  step_until(world, "JobRunning");
  world.head_is_silent = true;
  for (int step = 0; step < 100; ++step) world.step();
  const Plan plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Running);
  EXPECT_NE(plan.message.find("does not answer"), std::string::npos);
  world.head_is_silent = false;
  EXPECT_EQ(step_until(world, "JobRunning").phase, Phase::Running);
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Run, is_asked_for_once_a_second) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.head_answers.job_answered_at = world.now.monotonic;
  Plan plan = world.plan();
  EXPECT_TRUE(plan.ray_requests.empty());
  EXPECT_EQ(*plan.next_look_at - world.now.monotonic, std::chrono::seconds(1));
  world.pass(std::chrono::seconds(1));
  plan = world.plan();
  ASSERT_FALSE(plan.ray_requests.empty());
  EXPECT_EQ(plan.ray_requests.front().verb, RayVerb::GetJob);
}

TEST(Run, that_ray_reports_as_failed_has_a_further_attempt_on_a_new_cluster) {
  JobWorld world(own_job("  backoffLimit: 1\n"));
  step_until(world, "JobPending");
  const std::string first = world.clusters.begin()->first;
  world.unfinished_job()->error_type = "JOB_ENTRYPOINT_COMMAND_ERROR";
  world.unfinished_job()->driver_exit_code = 7;
  finish_job(world, RayJobStatus::Failed);
  step_until(world, "Retrying");
  world.step();
  while (!world.children.empty())
    for (const Action& action : world.step().actions) EXPECT_NE(action.verb, Verb::Create);
  const Plan waiting = step_until(world, "WaitingForCluster");
  EXPECT_NE(waiting.message.find("exit code 7"), std::string::npos) << waiting.message;
  run_to_success(world);
  EXPECT_NE(world.clusters.begin()->first, first);
  ASSERT_EQ(world.starts.size(), 2u);
  EXPECT_TRUE(world.starts[1].run.ends_with("-2"));
  EXPECT_EQ(world.state().attempt, 2);
}

TEST(Run, fails_once_its_attempts_are_used) {
  JobWorld world(own_job("  backoffLimit: 1\n"));
  for (int attempt = 0; attempt < 2; ++attempt) {
    step_until(world, "JobPending");
    finish_job(world, RayJobStatus::Failed);
    world.step();
    world.step();
  }
  const Plan plan = step_until(world, "JobFailed");
  EXPECT_EQ(plan.phase, Phase::Failed);
  EXPECT_EQ(plan.message.substr(0, 16), "attempt 2 of 2: ");
  settle(world);
  EXPECT_EQ(world.starts.size(), 2u);
}

TEST(Run, that_was_stopped_in_ray_is_not_tried_again) {
  JobWorld world(own_job("  backoffLimit: 3\n"));
  step_until(world, "JobPending");
  finish_job(world, RayJobStatus::Stopped);
  EXPECT_EQ(step_until(world, "JobStopped").phase, Phase::Failed);
  settle(world);
  EXPECT_EQ(world.starts.size(), 1u);
  EXPECT_EQ(world.state().stage, JobStage::Stopped);
}

TEST(Run, whose_head_started_anew_in_place_is_lost_and_not_silently_run_again) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.restart_head_in_place();
  EXPECT_EQ(step_until(world, "HeadLost").phase, Phase::Failed);
  settle(world);
  EXPECT_EQ(world.starts.size(), 1u);
}

TEST(Run, whose_head_pod_was_replaced_or_is_gone_is_tried_again_where_it_may) {
  for (const bool replaced : {true, false}) {
    JobWorld world(own_job("  backoffLimit: 1\n"));
    step_until(world, "JobPending");
    if (replaced)
      world.replace_head();
    else
      world.only_cluster()->head.reset();
    EXPECT_EQ(world.step().reason, "Retrying");
    run_to_success(world);
    EXPECT_EQ(world.starts.size(), 2u);
  }
}

TEST(Run, whose_clusters_anchor_was_deleted_by_hand_is_lost) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  world.children.clear();
  world.clusters.clear();
  EXPECT_EQ(step_until(world, "HeadLost").message, "its cluster is gone");
  EXPECT_TRUE(settle(world).actions.empty());
  EXPECT_TRUE(world.children.empty()) << "an ended job makes no cluster";
}

TEST(Run, whose_submission_is_refused_is_tried_as_often_as_its_file_says) {
  JobWorld world(own_job("  backoffLimit: 1\n"));
  world.submissions_refused = true;
  const Plan plan = step_until(world, "SubmissionRejected");
  EXPECT_NE(plan.message.find("entrypoint must be a string"), std::string::npos);
  EXPECT_EQ(world.state().attempt, 2);
  EXPECT_TRUE(world.starts.empty());
}

TEST(Run, that_was_refused_is_forgotten_by_the_next_one_with_the_same_id) {
  JobWorld world(job_on_shared("  jobId: mine\n"));
  world.add_shared_cluster();
  world.submissions_refused = true;
  step_until(world, "SubmissionRejected");
  settle(world);
  world.submissions_refused = false;
  world.file = job_on_shared("  jobId: mine\n", "2");
  EXPECT_EQ(run_to_success(world).phase, Phase::Succeeded);
}

TEST(Run, meets_a_job_of_others_under_its_id_and_leaves_it_alone) {
  JobWorld world(job_on_shared("  jobId: mine\n"));
  world.add_shared_cluster();
  step_until(world, "WaitingForCluster");
  world.step();
  world.only_cluster()->head->jobs["mine"].run = "someone-else";
  const Plan plan = step_until(world, "SubmissionIdTaken");
  EXPECT_EQ(plan.phase, Phase::Failed);
  settle(world);
  EXPECT_TRUE(world.stops.empty());
  EXPECT_TRUE(world.starts.empty());
}

TEST(Run, waits_for_the_cluster_that_it_selects_and_never_touches_it) {
  JobWorld world(job_on_shared("  activeDeadlineSeconds: 60\n"));
  world.step();
  EXPECT_EQ(world.plan().message, "no RayCluster shared in namespace default is ready");
  world.clusters_come_up = false;
  world.add_shared_cluster();
  EXPECT_EQ(world.plan().message, "RayCluster shared is not ready: 0 of 1 pods ready");
  world.clusters_come_up = true;
  run_to_success(world);
  EXPECT_EQ(world.starts.size(), 1u);
  EXPECT_TRUE(world.clusters.contains("shared"));
}

TEST(Run, follows_no_answers_that_another_head_or_another_job_gave) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  HeadAnswers other = world.head_answers;
  (*other.job)->status = RayJobStatus::Succeeded;
  for (std::string HeadAnswers::* member : {&HeadAnswers::head_uid, &HeadAnswers::submission_id}) {
    world.head_answers = other;
    world.head_answers.*member = "another";
    EXPECT_EQ(world.plan().reason, "Submitting");
    EXPECT_EQ(world.plan().ray_requests.at(0).verb, RayVerb::GetJob);
  }
}

TEST(Run, decides_nothing_while_a_fact_is_unknown) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  const Unknown unknown{"the list is not complete yet"};
  for (int which = 0; which < 3; ++which) {
    JobObserved seen = world.observed();
    if (which == 0) seen.anchor = unknown;
    if (which == 1) seen.children = unknown;
    if (which == 2) seen.clusters = unknown;
    for (const bool removed : {false, true}) {
      const Plan plan = plan_for(removed ? nullptr : &*world.file, seen, world.now);
      EXPECT_EQ(plan.reason, "NotYetKnown");
      EXPECT_EQ(plan.message, unknown.why);
      EXPECT_TRUE(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
    }
  }
}

TEST(Run, facts_for_the_status_do_not_change_with_polls_and_survive_a_restart) {
  JobWorld world(own_job());
  step_until(world, "JobPending");
  finish_job(world, RayJobStatus::Running);
  const Document running = step_until(world, "JobRunning").ray;
  EXPECT_EQ(running.json().at("jobStatus"), "RUNNING");
  world.step();
  EXPECT_EQ(world.plan().ray, running);
  finish_job(world, RayJobStatus::Succeeded);
  step_until(world, "JobSucceeded");
  const Document ended = settle(world).ray;
  EXPECT_EQ(ended.json().at("jobStatus"), "SUCCEEDED");
  world.crash();
  EXPECT_EQ(settle(world).ray, ended);
}

}  // namespace
}  // namespace ray_gitops::test
