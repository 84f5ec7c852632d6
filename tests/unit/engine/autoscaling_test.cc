// Conversations with the heads of clusters that scale: when they are asked, what follows from
// their answers and from their silence, and what is told to them.

#include "agent/engine/autoscaling.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/scale_down.h"
#include "reconcilers/manifest/view.h"
#include "tests/support/declared.h"
#include "tests/unit/engine/bench.h"
#include "tests/unit/engine/support.h"

namespace ray_gitops::engine::test {
namespace {

using namespace std::chrono_literals;

const ObjectKey k_cluster{Kind::RayCluster, "default", "demo"};

ResourceAmounts one_cpu() { return {{"CPU", k_units_per_whole}}; }

RayNode idle_node(const PodView& pod, Duration idle) {
  RayNode node;
  node.node_id = std::string(2 * k_node_id_bytes, 'a');
  node.instance_id = pod.meta.key.name;
  node.group = pod.group;
  node.status = RayNodeStatus::Idle;
  node.total = node.available = one_cpu();
  node.idle = idle;
  node.ip = pod.ip;
  return node;
}

class AutoscalingTest : public testing::Test {
 protected:
  AutoscalingTest() {
    std::string text = cluster_file("demo");
    text.insert(text.find("  headGroupSpec"), "  enableInTreeAutoscaling: true\n");
    text.replace(text.find("replicas: 1"), 11, "replicas: 0");
    text.replace(text.rfind("rayStartParams: {}"), 18, "rayStartParams: {num-cpus: '1'}");
    declaration = ray_gitops::test::declared(text);
    state.session = "session_1";
    save(autoscaler::ScaleState{.targets = {{"small", {0, false}}}, .removals = {}});
    pods.push_back(worker("demo-head", k_head_group_name));
    // Nothing is removed in the first minute of an agent, nor of a session.
    decide();
    look();
    since += 10min;
  }

  PodView worker(const std::string& name, const std::string& group) const {
    PodView view = pod(name, "1", "uid-" + name);
    view.meta.owner_uid = "anchor";
    view.group = group;
    view.incarnation = 1;
    view.phase = PodPhase::Running;
    view.ready = true;
    view.ip = "10.0.0." + std::to_string(pods.size() + 1);
    view.ray_started_at = now().wall;
    return view;
  }
  // The anchor says so now.
  void save(const autoscaler::ScaleState& saved) {
    nlohmann::json body =
        anchor_body(declaration,
                    {.incarnation = 1, .scaling = autoscaler::scale_state_document(saved)}, "demo")
            ->json();
    body["metadata"]["uid"] = "anchor";
    body["metadata"]["resourceVersion"] = std::to_string(++version);
    anchor = std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, body).value());
  }
  ClusterScaling decide() {
    ClusterObserved observed;
    observed.anchor = Known<std::optional<ConfigMapView>>{anchor};
    observed.pods = Known<std::vector<PodView>>{pods};
    observed.services = Known<std::vector<ServiceView>>{{}};
    observed.secrets = Known<std::vector<SecretView>>{{}};
    observed.refusals = refusals;
    return autoscaling.decide(declaration, observed, now());
  }
  autoscaler::ScaleState decided() { return autoscaler::parse_scale_state(decide().state).value(); }
  void send() {
    Effects effects;
    autoscaling.send(k_cluster, now(), effects);
    due = autoscaling.deadline();
    for (AskGcs& ask : all<AskGcs>(effects)) sent.push_back(std::move(ask));
  }
  // What the head has been asked of this kind since the last call.
  template <class Body>
  std::vector<AskGcs> asked_for() {
    send();
    std::vector<AskGcs> found;
    for (const AskGcs& ask : sent)
      if (std::holds_alternative<Body>(ask.request.body)) found.push_back(ask);
    std::erase_if(sent,
                  [](const AskGcs& ask) { return std::holds_alternative<Body>(ask.request.body); });
    return found;
  }
  void answer(const AskGcs& ask, Result<GcsReply> reply) {
    Effects effects;
    answered = autoscaling.on({ask.request_id, std::move(reply)}, now(), effects);
  }
  // The head is asked once that is due, and says what `state` says.
  void look() {
    auto polls = asked_for<GetResourceState>();
    if (polls.empty() && due) {
      since += std::max(Duration{0}, *due - now().monotonic);
      polls = asked_for<GetResourceState>();
    }
    ASSERT_EQ(polls.size(), 1U);
    ++state.version;
    answer(polls[0], GcsReply{state});
  }
  void demand(std::int64_t count) { state.pending[{one_cpu(), {}, {}}] = count; }
  void add_idle_worker() {
    pods.push_back(worker("demo-small-worker-0", "small"));
    state.nodes.push_back(idle_node(pods.back(), 70s));
    save(autoscaler::ScaleState{.targets = {{"small", {1, false}}}, .removals = {}});
  }
  // Its removal is saved.
  void save_removal() {
    look();
    const autoscaler::ScaleState next = decided();
    ASSERT_EQ(next.removals.size(), 1U);
    save(next);
    decide();
  }
  void meet_others(int count) {
    const ObjectKey mine = declaration.key;
    for (int number = 0; number < count; ++number) {
      declaration.key.name = "other-" + std::to_string(number);
      decide();
    }
    declaration.key = mine;
  }
  // So long without demand or change that the head is asked as those of quiet clusters are.
  void grow_quiet() {
    const Instant begin = now().monotonic;
    while (now().monotonic - begin < Autoscaling::k_quiet_after + 3s) {
      look();
      save(decided());
    }
    send();
  }
  Now now() const { return at(since); }

  Declaration declaration;
  Autoscaling autoscaling;
  RayResourceState state;
  std::vector<PodView> pods;
  std::map<ResourceKey, Refusal> refusals;
  std::optional<ConfigMapView> anchor;
  Duration since{0};
  std::optional<ObjectKey> answered;  // what the last answer may change
  Deadline due;
  std::vector<AskGcs> sent;
  int version = 0;
};

TEST_F(AutoscalingTest, asks_a_head_once_it_runs_and_has_an_address) {
  pods[0].ray_started_at.reset();
  decide();
  EXPECT_TRUE(asked_for<GetResourceState>().empty());
  pods[0].ray_started_at = now().wall;
  decide();
  const auto polls = asked_for<GetResourceState>();
  ASSERT_EQ(polls.size(), 1U);
  EXPECT_EQ(polls[0].request.address, "10.0.0.1:6379");
  EXPECT_EQ(polls[0].request.head_uid, "uid-demo-head");
  EXPECT_TRUE(asked_for<GetResourceState>().empty()) << "one question at a time";
}

TEST_F(AutoscalingTest, plans_for_demand_and_acts_once_that_is_saved) {
  decide();
  demand(2);
  look();
  const ClusterScaling scaling = decide();
  EXPECT_EQ(scaling.targets.at("small"), 0);
  const auto next = autoscaler::parse_scale_state(scaling.state).value();
  EXPECT_EQ(next.targets.at("small").replicas, 2);
  save(next);
  EXPECT_EQ(decide().targets.at("small"), 2);
}

TEST_F(AutoscalingTest, plans_again_when_what_it_planned_was_not_saved) {
  decide();
  demand(2);
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 2);
  EXPECT_EQ(decided().targets.at("small").replicas, 2);
}

// The tenant of all clusters may have so many pods.
Declaration quota_of(std::int64_t pods) {
  return ray_gitops::test::declared(
      "apiVersion: ray-gitops.io/v1\nkind: AutoscalerPolicy\nmetadata: {name: teams}\n"
      "spec: {tenants: [{name: all, clusters: {}, quota: {pods: " +
      std::to_string(pods) + "}}]}\n");
}

TEST_F(AutoscalingTest, grows_no_further_than_its_tenant_may) {
  autoscaling.fleet().set_policy(quota_of(2));
  demand(3);
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 1) << "its head is one of two";
  save({.targets = {{"small", {1, false}}}, .removals = {}});
  EXPECT_EQ(decided().targets.at("small").replicas, 1);
  autoscaling.fleet().set_policy(quota_of(3));
  EXPECT_EQ(decided().targets.at("small").replicas, 2) << "without another answer";
  autoscaling.fleet().forget_policy(quota_of(3).key);
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 3);
}

TEST_F(AutoscalingTest, looks_at_each_answer_while_it_waits_for_its_tenants_quota) {
  autoscaling.fleet().set_policy(quota_of(1));
  demand(1);
  look();
  decide();
  look();
  EXPECT_EQ(answered, k_cluster);
}

TEST_F(AutoscalingTest, keeps_what_a_schedule_asks_for_while_it_holds) {
  const std::string begin = to_rfc3339(now().wall);
  const std::string policy =
      "apiVersion: ray-gitops.io/v1\nkind: AutoscalerPolicy\nmetadata: {name: teams}\n"
      "spec: {schedules: [{name: soon, clusters: {}, group: small, minReplicas: 2,\n"
      "  start: '" +
      std::to_string(std::stoi(begin.substr(14, 2))) + " " +
      std::to_string(std::stoi(begin.substr(11, 2))) + " * * *', durationSeconds: 600}]}\n";
  autoscaling.fleet().set_policy(ray_gitops::test::declared(policy));
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 2);
  const Deadline end = autoscaling.policies_change_at(now());
  ASSERT_TRUE(end);
  since += *end - now().monotonic;
  EXPECT_EQ(decided().targets.at("small").replicas, 0) << "none of them was made";
}

TEST_F(AutoscalingTest, asks_the_one_head_often_also_when_it_is_quiet) {
  decide();
  demand(9);
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 3) << "the most that the file allows";
  send();
  EXPECT_EQ(due, now().monotonic + Autoscaling::k_poll_least);
  save(decided());
  state.pending.clear();
  grow_quiet();
  EXPECT_EQ(due, now().monotonic + Autoscaling::k_poll_least);
}

TEST_F(AutoscalingTest, asks_many_heads_less_often) {
  decide();
  meet_others(150);
  demand(9);
  look();
  save(decided());
  decide();
  send();
  EXPECT_EQ(due, now().monotonic + 755ms) << "151 heads, 200 questions a second";
  state.pending.clear();
  grow_quiet();
  EXPECT_EQ(due, now().monotonic + Autoscaling::k_poll_quiet);
  demand(8);
  look();
  decide();
  send();
  EXPECT_EQ(due, now().monotonic + 755ms);
}

TEST_F(AutoscalingTest, shares_its_questions_out_among_quiet_heads) {
  decide();
  meet_others(39);
  grow_quiet();
  EXPECT_EQ(due, now().monotonic + 2s) << "40 heads, 20 questions a second";
}

TEST_F(AutoscalingTest, tells_the_head_what_was_decided_once_until_it_changes) {
  decide();
  look();
  decide();
  const auto shapes = asked_for<ClusterShape>();
  ASSERT_EQ(shapes.size(), 1U);
  answer(shapes[0], GcsReply{std::monostate{}});
  const auto reports = asked_for<AutoscalingReport>();
  ASSERT_EQ(reports.size(), 1U);
  answer(reports[0], GcsReply{std::monostate{}});
  for (int count = 0; count < 3; ++count) {
    look();
    decide();
    EXPECT_TRUE(asked_for<AutoscalingReport>().empty());
    EXPECT_TRUE(asked_for<ClusterShape>().empty());
  }
}

TEST_F(AutoscalingTest, tells_again_what_was_not_heard) {
  decide();
  look();
  decide();
  const auto shapes = asked_for<ClusterShape>();
  ASSERT_EQ(shapes.size(), 1U);
  answer(shapes[0], failed(ErrorCode::Unavailable));
  look();
  decide();
  EXPECT_EQ(asked_for<ClusterShape>().size(), 1U);
}

TEST_F(AutoscalingTest, drains_an_idle_worker_and_lets_it_go_when_its_node_has_ended) {
  add_idle_worker();
  decide();
  save_removal();
  EXPECT_TRUE(autoscaling.is_leaving(k_cluster, "uid-demo-small-worker-0"));
  const Duration saved_at = since;
  look();
  decide();
  EXPECT_EQ(since, saved_at) << "it asks at once";
  const auto drains = asked_for<DrainRequest>();
  ASSERT_EQ(drains.size(), 1U);
  answer(drains[0], GcsReply{DrainReply{true, {}}});
  EXPECT_TRUE(decide().deletions.empty());

  state.nodes[0].status = RayNodeStatus::Dead;
  look();
  EXPECT_TRUE(decide().deletions.contains("uid-demo-small-worker-0"));
}

TEST_F(AutoscalingTest, leaves_a_worker_alone_whose_drain_was_refused) {
  add_idle_worker();
  decide();
  save_removal();
  look();
  decide();
  const auto drains = asked_for<DrainRequest>();
  ASSERT_EQ(drains.size(), 1U);
  answer(drains[0], GcsReply{DrainReply{false, "it is busy"}});
  const autoscaler::ScaleState next = decided();
  EXPECT_TRUE(next.removals.empty());
  save(next);
  look();
  EXPECT_TRUE(decided().removals.empty());
  since += 1min;
  look();
  EXPECT_EQ(decided().removals.size(), 1U);
}

TEST_F(AutoscalingTest, deletes_nothing_of_a_head_that_does_not_answer) {
  add_idle_worker();
  decide();
  save_removal();
  since += Autoscaling::k_poll_quiet;
  const auto polls = asked_for<GetResourceState>();
  ASSERT_EQ(polls.size(), 1U);
  answer(polls[0], failed(ErrorCode::Unavailable));
  EXPECT_TRUE(decide().deletions.empty());
  EXPECT_EQ(decided().removals.size(), 1U);
  send();
  EXPECT_EQ(due, now().monotonic + 1s);
}

TEST_F(AutoscalingTest, looks_at_a_quiet_cluster_only_when_an_answer_says_something_else) {
  save(decided());
  decide();
  look();
  EXPECT_EQ(answered, std::nullopt);
  Effects effects;
  since += 10s;
  autoscaling.pump(now(), effects);
  ASSERT_EQ(all<AskGcs>(effects).size(), 1U) << "it is asked without a look at its cluster";
  EXPECT_EQ(autoscaling.deadline(), std::nullopt);
  demand(1);
  answer(all<AskGcs>(effects)[0], GcsReply{state});
  EXPECT_EQ(answered, k_cluster);
}

TEST_F(AutoscalingTest, asks_heads_of_quiet_clusters_together) {
  Effects effects;
  // Which questions there are now, after both clusters were decided or one was due.
  const auto asked = [&] {
    std::vector<AskGcs> polls = all<AskGcs>(std::exchange(effects, {}));
    std::erase_if(polls, [](const AskGcs& ask) {
      return !std::holds_alternative<GetResourceState>(ask.request.body);
    });
    return polls;
  };
  const auto decide_both = [&] {
    for (const char* name : {"demo", "other"}) {
      declaration.key.name = name;
      save(decided());
      decide();
      autoscaling.send(declaration.key, now(), effects);
    }
  };
  for (const Duration apart : {0ms, 20ms}) {
    since += 10s;
    decide_both();
    const std::vector<AskGcs> polls = asked();
    ASSERT_EQ(polls.size(), 2U);
    answer(polls[0], GcsReply{state});
    since += apart;
    answer(polls[1], GcsReply{state});
    decide_both();
  }
  since += Autoscaling::k_poll_least - 21ms;
  autoscaling.pump(now(), effects);
  EXPECT_EQ(asked().size(), 0U);
  since += 1ms;
  autoscaling.pump(now(), effects);
  EXPECT_EQ(asked().size(), 2U) << "one of them 20 ms early";
}

TEST_F(AutoscalingTest, looks_at_each_answer_while_a_worker_is_idle) {
  add_idle_worker();
  save(autoscaler::ScaleState{.targets = {{"small", {1, false}}}, .removals = {}});
  state.nodes[0].idle = 60s - 1ms;
  decide();
  look();
  since += 2ms;  // the timeout ends before the cluster is looked at
  EXPECT_TRUE(decided().removals.empty());
  state.nodes[0].idle = 61s;
  look();
  EXPECT_EQ(answered, k_cluster);
  EXPECT_EQ(decided().removals.size(), 1U);
}

TEST_F(AutoscalingTest, asks_nothing_about_what_is_forgotten) {
  decide();
  look();
  send();
  ASSERT_NE(autoscaling.deadline(), std::nullopt);
  autoscaling.forget(k_cluster);
  EXPECT_EQ(autoscaling.deadline(), std::nullopt);
}

TEST_F(AutoscalingTest, tells_another_session_what_was_decided) {
  decide();
  demand(2);
  look();
  save(decided());
  for (const AskGcs& told : asked_for<ClusterShape>()) answer(told, GcsReply{std::monostate{}});
  for (const AskGcs& told : asked_for<AutoscalingReport>())
    answer(told, GcsReply{std::monostate{}});
  look();
  decide();
  EXPECT_TRUE(asked_for<ClusterShape>().empty());
  state.session = "session_2";
  look();
  decide();
  EXPECT_EQ(asked_for<ClusterShape>().size(), 1U);
}

TEST_F(AutoscalingTest, keeps_a_group_closed_for_a_while_after_its_pods_were_refused) {
  decide();
  demand(2);
  look();
  refusals[{ResourceType::Pod, "default", "demo-small-worker-0"}] = {
      {ErrorCode::Rejected, "exceeded quota", ""}, 1, now().monotonic};
  EXPECT_EQ(decided().targets.at("small").replicas, 0);
  refusals.clear();
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 0);
  since += autoscaler::TroubleMemory::k_first_pause;
  look();
  EXPECT_EQ(decided().targets.at("small").replicas, 2);
}

TEST_F(AutoscalingTest, forgets_what_another_life_of_the_head_said) {
  decide();
  demand(2);
  const auto polls = asked_for<GetResourceState>();
  ASSERT_EQ(polls.size(), 1U);
  pods[0].meta.uid = "uid-of-another-head";
  decide();
  Effects effects;
  EXPECT_EQ(autoscaling.on({polls[0].request_id, GcsReply{state}}, now(), effects), std::nullopt);
  EXPECT_EQ(decided().targets.at("small").replicas, 0);
}

TEST_F(AutoscalingTest, says_why_groups_are_as_large_as_they_are) {
  EXPECT_TRUE(autoscaling.summary_of(k_cluster).is_null());
  decide();
  demand(5);
  look();
  decide();
  const nlohmann::json summary = autoscaling.summary_of(k_cluster).json();
  EXPECT_EQ(summary["groups"][0]["name"], "small");
  EXPECT_EQ(summary["groups"][0]["target"], 3);
  EXPECT_FALSE(summary["groups"][0]["reason"].get<std::string>().empty());
  EXPECT_EQ(summary["unplaced"].size(), 1U);
  autoscaling.forget(k_cluster);
  EXPECT_TRUE(autoscaling.summary_of(k_cluster).is_null());
}

}  // namespace
}  // namespace ray_gitops::engine::test
