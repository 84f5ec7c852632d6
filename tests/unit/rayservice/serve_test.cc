// What is asked of Ray, and which pods serve.

#include "reconcilers/rayservice/serve.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/rayservice/reconcile.h"
#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

using Status = ServeApplicationStatus;

const RayRequest* request_in(const Plan& plan, RayVerb verb) {
  for (const RayRequest& request : plan.ray_requests)
    if (request.verb == verb) return &request;
  return nullptr;
}

const RayRequest& step_until_put(ServiceWorld& world, Plan& plan) {
  for (int step = 0; step < 40; ++step) {
    plan = world.plan();
    if (const RayRequest* request = request_in(plan, RayVerb::PutServe)) return *request;
    world.step();
  }
  ADD_FAILURE() << "nothing is put";
  static const RayRequest k_none;
  return k_none;
}

TEST(Put, has_what_the_file_says_and_names_the_head_and_the_digest) {
  ServiceWorld world({});
  Plan plan;
  const RayRequest& put = step_until_put(world, plan);
  const auto& spec = std::get<RayServiceSpec>(world.file->spec);
  EXPECT_EQ(put.body, spec.serve_config);
  EXPECT_EQ(put.config_digest, spec.serve_config_digest);
  EXPECT_EQ(put.cluster, world.state().clusters.at(0).name);
  EXPECT_EQ(put.head_uid, world.cluster(put.cluster).head->uid);
  EXPECT_EQ(put.address, "10.0.0.1:8265");
  EXPECT_TRUE(put.submission_id.empty());
}

TEST(Put, waits_for_the_head_to_be_ready) {
  ServiceWorld world({});
  world.clusters_come_up = false;
  settle(world);
  EXPECT_TRUE(world.plan().ray_requests.empty());
  EXPECT_EQ(world.plan().reason, "WaitingForCluster");
}

TEST(Put, is_in_the_anchor_once_the_head_has_taken_it) {
  ServiceWorld world({});
  Plan plan;
  step_until_put(world, plan);
  world.step();
  EXPECT_TRUE(world.state().clusters.at(0).config_digest.empty());
  EXPECT_EQ(world.plan().reason, "StateChanged");
  world.step();
  const ServingCluster entry = world.state().clusters.at(0);
  EXPECT_EQ(entry.head_uid, world.cluster(entry.name).head->uid);
  EXPECT_EQ(entry.config_digest, std::get<RayServiceSpec>(world.file->spec).serve_config_digest);
}

TEST(Put, of_a_changed_configuration_goes_to_the_same_cluster) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.config = "2"});
  EXPECT_EQ(step_until(world, "Deploying").phase, Phase::Progressing);
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.serving_config(), "2:app");
  EXPECT_EQ(world.puts.at(world.active()), 2);
  EXPECT_EQ(world.names_created.size(), 1u);
}

TEST(Put, goes_to_another_head) {
  ServiceWorld world({});
  start(world);
  world.replace_head(world.active());
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.puts.at(world.active()), 2);
}

TEST(Put, is_repeated_after_a_pause_when_an_application_is_missing) {
  ServiceWorld world({.second_application = "bread"});
  start(world);
  world.cluster(world.active()).head->applications.erase("bread");
  const Plan missing = step_until(world, "ApplicationMissing");
  EXPECT_TRUE(missing.ray_requests.empty());
  EXPECT_EQ(missing.phase, Phase::Degraded);
  const Instant seen = world.answers.at(world.active()).serve_answered_at;
  EXPECT_EQ(missing.next_look_at, seen + rayservice::k_put_again_pause);
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.puts.at(world.active()), 2);
}

TEST(Put, is_repeated_when_the_heads_container_has_started_anew) {
  ServiceWorld world({});
  start(world);
  world.restart_head(world.active());
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.puts.at(world.active()), 2);
}

TEST(Put, is_not_repeated_while_an_application_leaves) {
  ServiceWorld world({});
  start(world);
  world.set_status(world.active(), Status::Deleting);
  settle(world);
  EXPECT_EQ(world.puts.at(world.active()), 1);
  EXPECT_EQ(world.plan().reason, "Deploying");
}

TEST(Put, that_ray_refuses_is_not_repeated_until_it_changes) {
  ServiceWorld world({});
  start(world);
  world.file = declare({.config = "refused"});
  Plan plan = settle(world);
  EXPECT_EQ(plan.phase, Phase::Degraded);
  EXPECT_EQ(plan.reason, "ServeConfigRefused");
  EXPECT_NE(plan.message.find("import_path: refused"), std::string::npos);
  EXPECT_EQ(world.serving_config(), "1:app") << "what ran goes on";
  world.file = declare({.config = "2"});
  EXPECT_EQ(settle(world).phase, Phase::Ready);
  EXPECT_EQ(world.serving_config(), "2:app");
}

TEST(Put, that_ray_refuses_at_first_is_a_failure) {
  ServiceWorld world({.config = "refused"});
  EXPECT_EQ(settle(world).phase, Phase::Failed);
  EXPECT_EQ(world.plan().reason, "ServeConfigRefused");
}

TEST(Put, whose_answer_is_lost_is_repeated) {
  ServiceWorld world({});
  Plan plan;
  step_until_put(world, plan);
  world.answers_are_lost = true;
  world.step();
  EXPECT_NE(world.plan().message.find("does not answer"), std::string::npos);
  world.answers_are_lost = false;
  EXPECT_EQ(start(world).phase, Phase::Ready);
}

TEST(Put, goes_to_no_cluster_that_another_one_is_to_replace) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.clusters_come_up = false;
  world.file = declare({.head = "2", .config = "2", .second_application = "bread"});
  settle(world);
  EXPECT_EQ(world.puts.at(first), 1);
  EXPECT_EQ(world.serving_config(), "1:app");
}

TEST(Put, goes_to_a_cluster_that_another_one_is_to_replace_when_its_head_was_lost) {
  for (const bool in_place : {false, true}) {
    ServiceWorld world({});
    start(world);
    const std::string first = world.active();
    world.file = declare({.head = "2", .config = "bad"});
    step_until(world, "ApplicationFailed");
    if (in_place)
      world.restart_head(first);
    else
      world.replace_head(first);
    settle(world);
    EXPECT_EQ(world.puts.at(first), 2) << "with what the file says now";
    EXPECT_EQ(world.active(), first);
  }
}

TEST(Put, to_the_new_head_of_a_cluster_that_still_serves_does_not_wait) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2", .config = "bad"});
  step_until(world, "ApplicationFailed");
  world.replace_head(first);
  const std::string lost = world.answers.at(first).head_uid;
  while (world.answers.at(first).head_uid == lost) world.step();
  EXPECT_EQ(world.step().reason, "StateChanged")
      << "that it took the one before is forgotten first";
  const Plan plan = world.plan();
  ASSERT_NE(request_in(plan, RayVerb::PutServe), nullptr);
  EXPECT_EQ(request_in(plan, RayVerb::PutServe)->cluster, first);
}

TEST(Put, that_ray_refuses_is_not_made_again_to_a_cluster_that_still_serves) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2", .config = "refused"});
  step_until(world, "ServeConfigRefused");
  world.replace_head(first);
  int puts = 0;
  for (int step = 0; step < 60; ++step) {
    const Plan plan = world.step();
    for (const RayRequest& request : plan.ray_requests)
      if (request.verb == RayVerb::PutServe && request.cluster == first) ++puts;
  }
  EXPECT_EQ(puts, 1);
}

TEST(Put, whose_answer_is_lost_is_made_again_for_the_file_as_it_was) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2", .config = "2"});
  world.clusters_come_up = false;
  step_until(world, "UpgradeInProgress");
  world.restart_head(first);
  for (int step = 0; step < 40 && world.puts[first] < 2; ++step) {
    world.answers_are_lost = request_in(world.plan(), RayVerb::PutServe) != nullptr;
    world.step();
  }
  ASSERT_EQ(world.puts[first], 2);
  world.clusters_come_up = true;
  world.answers_are_lost = false;
  world.file = declare({});
  settle(world);
  EXPECT_EQ(world.active(), first);
  EXPECT_EQ(world.serving_config(), "1:app");
}

TEST(Poll, is_calm_when_all_is_well_and_busy_while_something_is_to_change) {
  ServiceWorld world({});
  step_until(world, "Deploying");
  world.step();
  Plan plan = world.plan();
  EXPECT_NE(request_in(plan, RayVerb::GetServe), nullptr) << "a second later";
  start(world);
  int polls = 0;
  for (int step = 0; step < 50; ++step)
    if (!world.step().ray_requests.empty()) ++polls;
  EXPECT_EQ(polls, 10);
  plan = world.plan();
  EXPECT_LE(*plan.next_look_at, world.now.monotonic + rayservice::k_calm_poll_interval);
}

TEST(Poll, is_calm_when_an_application_has_failed_for_good) {
  ServiceWorld world({.config = "bad"});
  step_until(world, "ApplicationFailed");
  settle(world);
  int polls = 0;
  for (int step = 0; step < 50; ++step)
    if (!world.step().ray_requests.empty()) ++polls;
  EXPECT_EQ(polls, 10);
}

TEST(Label, is_on_every_pod_whose_proxy_is_healthy) {
  ServiceWorld world({.replicas = 2});
  start(world);
  for (const ClusterPod& pod : world.cluster(world.active()).pods) EXPECT_TRUE(pod.serves);
  world.proxies_are_healthy = false;
  step_until(world, "ZeroServeEndpoints");
  world.step();
  for (const ClusterPod& pod : world.cluster(world.active()).pods) EXPECT_FALSE(pod.serves);
  world.proxies_are_healthy = true;
  EXPECT_EQ(settle(world).phase, Phase::Ready);
}

TEST(Label, is_never_on_a_head_that_is_excluded) {
  ServiceWorld world({.fields = "  excludeHeadPodFromServeSvc: true\n"});
  start(world);
  for (const ClusterPod& pod : world.cluster(world.active()).pods)
    EXPECT_EQ(pod.serves, !pod.is_head);
  world.file = declare({});
  settle(world);
  for (const ClusterPod& pod : world.cluster(world.active()).pods) EXPECT_TRUE(pod.serves);
  world.file = declare({.fields = "  excludeHeadPodFromServeSvc: true\n"});
  settle(world);
  for (const ClusterPod& pod : world.cluster(world.active()).pods)
    EXPECT_EQ(pod.serves, !pod.is_head);
}

TEST(Label, stays_while_nothing_is_known) {
  ServiceWorld world({});
  start(world);
  world.heads_are_silent = true;
  world.restart_agent();
  for (int step = 0; step < 20; ++step) EXPECT_TRUE(world.step().actions.empty());
  for (const ClusterPod& pod : world.cluster(world.active()).pods) EXPECT_TRUE(pod.serves);
}

TEST(Label, is_not_set_by_the_word_of_another_head) {
  ServiceWorld world({});
  start(world);
  world.answers.at(world.active()).head_uid = "head-before";
  world.cluster(world.active()).pods.at(1).serves = false;
  EXPECT_TRUE(world.plan().actions.empty());
}

TEST(Label, waits_until_a_pod_is_ready) {
  ServiceWorld world({});
  start(world);
  ClusterPod& pod = world.cluster(world.active()).pods.at(1);
  pod.serves = false;
  pod.ready = false;
  EXPECT_TRUE(world.plan().actions.empty());
  pod.ready = true;
  const Plan plan = world.plan();
  ASSERT_EQ(plan.actions.size(), 1u);
  EXPECT_EQ(plan.actions[0].verb, Verb::Apply);
  EXPECT_EQ(plan.actions[0].preconditions.uid, pod.uid);
}

TEST(Label, is_set_on_another_cluster_before_that_serves) {
  ServiceWorld world({});
  start(world);
  const std::string first = world.active();
  world.file = declare({.head = "2"});
  while (world.active() == first) world.step();
  const auto& pods = world.cluster(world.active()).pods;
  EXPECT_TRUE(std::any_of(pods.begin(), pods.end(),
                          [](const ClusterPod& pod) { return pod.ready && pod.serves; }));
}

}  // namespace
}  // namespace ray_gitops::test
