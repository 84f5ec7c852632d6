// What people are told of a service.

#include "reconcilers/rayservice/health.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/rayservice/reconcile.h"
#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

using Status = ServeApplicationStatus;

// How long it takes until the plan says so, from now on.
Duration time_until(ServiceWorld& world, const std::string& reason) {
  const Instant begin = world.now.monotonic;
  step_until(world, reason);
  return world.now.monotonic - begin;
}

TEST(Phase, of_an_application_that_fails_before_it_ever_served_is_failed) {
  ServiceWorld world({.config = "bad"});
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Failed);
  EXPECT_EQ(plan.reason, "ApplicationFailed");
  EXPECT_NE(plan.message.find("application fruit is DEPLOY_FAILED"), std::string::npos);
  EXPECT_TRUE(plan.message.ends_with(": ValueError: boom"));
  EXPECT_EQ(plan.message.find("password"), std::string::npos);
  EXPECT_TRUE(world.services.empty());
}

TEST(Phase, of_an_application_that_fails_on_the_active_cluster_is_degraded) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.config = "bad"});
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "ApplicationFailed");
  EXPECT_FALSE(plan.conditions.at(0).status);
}

TEST(Phase, of_an_application_that_fails_on_the_next_cluster_is_degraded_while_the_old_one_serves) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2", .config = "bad"});
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "ApplicationFailed");
  EXPECT_NE(plan.message.find(world.active() + " serves"), std::string::npos);
  EXPECT_TRUE(plan.conditions.at(0).status) << "traffic is served";
  EXPECT_EQ(world.serving_config(), "1:app");
}

TEST(Phase, of_one_that_was_well_stays_ready_while_a_replica_is_replaced) {
  ServiceWorld world({});
  start(world);
  const std::string ready = world.plan().message;
  world.set_status(world.active(), Status::Unhealthy, "ValueError: sick");
  for (int step = 0; step < 8; ++step) {
    const Plan plan = world.step();
    EXPECT_EQ(plan.phase, Phase::Ready);
    EXPECT_EQ(plan.message, ready);
  }
  world.set_status(world.active(), Status::Running);
  EXPECT_EQ(settle(world).phase, Phase::Ready);
}

TEST(Phase, of_one_that_stays_unwell_is_degraded_after_ten_seconds) {
  ServiceWorld world({});
  start(world);
  world.set_status(world.active(), Status::Unhealthy, "ValueError: sick");
  EXPECT_LE(time_until(world, "ApplicationUnhealthy"), rayservice::k_health_patience);
  EXPECT_EQ(world.plan().phase, Phase::Degraded);
  EXPECT_TRUE(world.plan().message.ends_with("ValueError: sick"));
}

TEST(Phase, of_one_whose_head_is_silent_is_degraded_after_half_a_minute) {
  ServiceWorld world({});
  start(world);
  world.heads_are_silent = true;
  const Duration waited = time_until(world, "HeadSilent");
  EXPECT_LE(waited, rayservice::k_silence_patience);
  EXPECT_GT(waited, rayservice::k_silence_patience - rayservice::k_calm_poll_interval -
                        rayservice::k_calm_poll_interval);
  EXPECT_EQ(world.plan().phase, Phase::Degraded);
  world.heads_are_silent = false;
  EXPECT_EQ(settle(world).phase, Phase::Ready);
}

TEST(Phase, of_one_that_nothing_leads_to_is_not_ready_when_its_head_falls_silent) {
  ServiceWorld world({});
  start(world);
  world.proxies_are_healthy = false;
  step_until(world, "ZeroServeEndpoints");
  world.heads_are_silent = true;
  for (int step = 0; step < 20; ++step) EXPECT_EQ(world.step().phase, Phase::Degraded);
}

TEST(Phase, looks_again_when_patience_ends) {
  ServiceWorld world({});
  start(world);
  const std::string active = world.active();
  world.set_status(active, Status::Unhealthy);
  while (world.answers.at(active).serve->applications.at("fruit").status != Status::Unhealthy)
    world.step();
  const Instant end = *world.answers.at(active).serving_at + rayservice::k_health_patience;
  world.answers.at(active).serve_answered_at = end + std::chrono::hours(1);
  EXPECT_EQ(world.plan().next_look_at, end);
}

TEST(Phase, of_one_whose_head_is_lost_is_degraded_until_it_serves_again) {
  ServiceWorld world({});
  start(world);
  world.replace_head(world.active());
  world.clusters_come_up = false;
  EXPECT_EQ(settle(world).phase, Phase::Degraded);
  EXPECT_EQ(world.plan().reason, "HeadPodNotReady");
  world.clusters_come_up = true;
  EXPECT_EQ(settle(world).phase, Phase::Ready);
}

TEST(Phase, of_one_whose_head_was_lost_stays_degraded_until_another_has_taken_the_configuration) {
  ServiceWorld world({});
  start(world);
  world.replace_head(world.active());
  world.clusters_come_up = false;
  step_until(world, "HeadPodNotReady");
  world.heads_are_silent = true;
  world.clusters_come_up = true;
  for (int step = 0; step < 5; ++step) world.step();
  const Plan plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "HeadLost");
  EXPECT_TRUE(plan.message.ends_with("its head does not answer: connection timed out"));
}

TEST(Phase, of_an_upgrade_is_that_of_the_active_cluster_when_that_is_unwell) {
  ServiceWorld world({});
  start(world);
  world.clusters_come_up = false;
  world.file = declare({.head = "2"});
  step_until(world, "UpgradeInProgress");
  world.set_status(world.active(), Status::Unhealthy, "ValueError: sick");
  const Plan plan = step_until(world, "ApplicationUnhealthy");
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_NE(plan.message.find("sick; another is to take its place: RayCluster"), std::string::npos);
  EXPECT_FALSE(plan.conditions.at(0).status);
}

TEST(Phase, of_one_without_a_pod_that_is_ready_is_degraded_and_with_one_to_label_progressing) {
  ServiceWorld world({});
  start(world);
  auto& pods = world.cluster(world.active()).pods;
  for (ClusterPod& pod : pods) pod.ready = false;
  EXPECT_EQ(world.plan().phase, Phase::Degraded);
  EXPECT_EQ(world.plan().reason, "ZeroServeEndpoints");
  for (ClusterPod& pod : pods) pod.serves = false;
  pods.front().ready = true;
  EXPECT_EQ(world.plan().phase, Phase::Progressing);
  EXPECT_EQ(world.plan().reason, "ZeroServeEndpoints");
}

TEST(Phase, of_a_cluster_that_comes_up_is_progressing_and_says_why) {
  ServiceWorld world({});
  const Plan plan = step_until(world, "WaitingForCluster");
  EXPECT_EQ(plan.phase, Phase::Progressing);
  EXPECT_NE(plan.message.find(world.state().clusters.at(0).name), std::string::npos);
  world.step();
  EXPECT_NE(world.plan().message.find("0 of 2 pods ready"), std::string::npos);
}

TEST(Phase, of_a_silent_head_before_it_served_is_progressing) {
  ServiceWorld world({});
  step_until(world, "Deploying");
  world.heads_are_silent = true;
  const Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Progressing);
  EXPECT_EQ(plan.reason, "HeadSilent");
}

TEST(Restart, of_the_agent_ends_in_the_same_words_after_one_answer) {
  ServiceWorld world({});
  const Plan before = start(world);
  world.restart_agent();
  const Plan unheard = world.step();
  EXPECT_EQ(unheard.reason, "ServeUnknown");
  EXPECT_EQ(unheard.phase, Phase::Progressing);
  const Plan after = world.plan();
  EXPECT_EQ(said(after), said(before));
  EXPECT_EQ(after.ray, before.ray);
  EXPECT_EQ(after.conditions, before.conditions);
  EXPECT_EQ(world.puts.at(world.active()), 1);
}

TEST(Facts, hold_statuses_and_counts_and_no_times) {
  ServiceWorld world({});
  const Document facts = start(world).ray;
  EXPECT_EQ(facts.json(),
            (nlohmann::json{
                {"cluster", world.active()},
                {"servingPods", 2},
                {"applications",
                 {{"fruit",
                   {{"status", "RUNNING"},
                    {"deployments",
                     {{"App", {{"status", "HEALTHY"}, {"replicas", {{"RUNNING", 1}}}}}}}}}}}}));
  world.file = declare({.head = "2"});
  const Plan plan = step_until(world, "UpgradeInProgress");
  EXPECT_EQ(plan.ray.json().at("cluster"), world.active());
  EXPECT_EQ(plan.ray.json().at("upgradingTo"), world.state().clusters.back().name);
}

TEST(Facts, of_names_that_are_no_text_are_printable) {
  ServiceWorld world({});
  start(world);
  auto& serve = *world.answers.at(world.active()).serve;
  serve.applications["\xff\n"].status = Status::DeployFailed;
  const Plan plan = world.plan();
  EXPECT_EQ(plan.message.find('\n'), std::string::npos);
  EXPECT_TRUE(plan.ray.json().at("applications").contains("\\xff\\x0a"));
}

TEST(Unknown, facts_have_no_consequences) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.head = "2"});
  const ServiceObserved known = world.observed();
  for (int part = 0; part < 4; ++part) {
    ServiceObserved seen = known;
    const Unknown unknown{"a list is not complete"};
    if (part == 0) seen.anchor = unknown;
    if (part == 1) seen.children = unknown;
    if (part == 2) seen.clusters = unknown;
    if (part == 3) seen.services = unknown;
    for (const bool has_file : {true, false}) {
      const Plan plan = plan_for(has_file ? &*world.file : nullptr, seen, world.now);
      EXPECT_TRUE(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
      EXPECT_TRUE(plan.clusters_undecided);
      EXPECT_EQ(plan.reason, "NotYetKnown");
    }
  }
}

TEST(Refusal, of_a_write_is_what_is_said) {
  ServiceWorld world({});
  world.refusals[{ResourceType::ConfigMap, "default", "rayservice.shop"}] = {
      {ErrorCode::AlreadyExists, "exists", ""}, 1, {}};
  Plan plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Blocked);
  EXPECT_EQ(plan.reason, "NameTaken");
  world.refusals.begin()->second.error = {ErrorCode::Forbidden, "no right", ""};
  plan = world.plan();
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "WriteRefused");
}

}  // namespace
}  // namespace ray_gitops::test
