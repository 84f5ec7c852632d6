// What a preview says of a cluster that a real engine has made.
#include "agent/review/preview.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "tests/unit/engine/bench.h"

namespace ray_gitops::review::test {
namespace {

using engine::test::Bench;
using engine::test::cluster_file;
using engine::test::Files;
using engine::test::job_file;
using engine::test::service_file;

std::string replaced(std::string text, const std::string& before, const std::string& after) {
  return text.replace(text.find(before), before.size(), after);
}

class PreviewTest : public testing::Test {
 protected:
  // The live cluster, made from these files.
  void live(const Files& files) {
    bench.commit("c1", files);
    for (int round = 0; round < 3; ++round) bench.start_pods();
    writes_before = bench.writes.size();
  }

  // Of the next commit; with answers in this order or the opposite one.
  Report plan(const Files& files, const std::string& message = "", bool backwards = false,
              LookAhead look_ahead = {}) {
    engine::SourceTree tree = engine::test::tree_of("c2", files, {});
    tree.message = message;
    tree.descends_from_accepted = descends;
    Preview preview(engine::test::options(), bench.now(), look_ahead);
    engine::Effects effects = preview.start();
    while (!preview.is_done()) {
      if (backwards) std::reverse(effects.begin(), effects.end());
      engine::Effects next;
      for (const engine::Effect& effect : effects) next = preview.deliver(answer(effect, tree));
      effects = std::move(next);
      if (effects.empty() && !preview.is_done()) {
        ADD_FAILURE() << "it neither asks nor ends";
        break;
      }
    }
    return preview.report();
  }

  engine::Event answer(const engine::Effect& effect, const engine::SourceTree& tree) {
    if (std::holds_alternative<engine::ListRemote>(effect))
      return engine::RemoteListed{engine::RemoteTips{tree.commit, std::nullopt}};
    if (std::holds_alternative<engine::LoadCommit>(effect))
      return engine::CommitLoaded{tree.commit, tree};
    if (std::holds_alternative<engine::LoadStatus>(effect))
      return engine::StatusLoaded{engine::StatusTree{std::nullopt, bench.published, 0}};
    if (const auto* list = std::get_if<engine::StartList>(&effect);
        list && unlisted.contains(list->type)) {
      EXPECT_TRUE(lists_refused.insert(list->type).second) << "asked again";
      return engine::WatchEnded{list->type, {ErrorCode::Forbidden, "no right", ""}, list->ns};
    }
    if (const auto* list = std::get_if<engine::StartList>(&effect))
      return engine::ListCompleted{list->type, bench.listed(list->type, list->ns), "1000",
                                   list->ns};
    const auto* ask = std::get_if<engine::AskRay>(&effect);
    if (ask == nullptr) {
      ADD_FAILURE() << "it asks for what is no read: effect " << effect.index();
      return engine::Tick{};
    }
    EXPECT_FALSE(is_write(ask->request.verb)) << "no write reaches a head";
    ++asked[{ask->request.verb, ask->request.head_uid}];
    if (!heads_answer)
      return engine::RayAnswered{ask->request_id, fail(ErrorCode::Unavailable, "no route", "ray")};
    return engine::RayAnswered{ask->request_id, ray};
  }

  static const ObjectPlan& object(const Report& report, const std::string& name) {
    for (const ObjectPlan& plan : report.objects)
      if (plan.now.key.name == name) return plan;
    ADD_FAILURE() << "no " << name << " in\n" << render_text(report, false);
    static const ObjectPlan k_none;
    return k_none;
  }
  // "create Pod/default/ray-head", "submit job"
  static std::vector<std::string> deeds(const ObjectPlan& plan) {
    std::vector<std::string> lines;
    for (const Deed& deed : plan.deeds) {
      const auto* action = std::get_if<Action>(&deed);
      lines.push_back(action == nullptr ? ray_gitops::name_of(std::get<RayRequest>(deed).verb)
                                        : std::string(ray_gitops::name_of(action->verb)) + " " +
                                              to_string(action->target));
    }
    return lines;
  }

  // Ray's tag of the run, which is the end of the submission's id, too.
  static std::string run_of(const std::string& submission_id) {
    return submission_id.substr(std::string("count-").size());
  }

  Bench bench;
  bool descends = true;
  bool heads_answer = true;
  std::set<ResourceType> unlisted;
  std::set<ResourceType> lists_refused;
  RayReply ray;
  std::map<std::pair<RayVerb, std::string>, int> asked;
  std::size_t writes_before = 0;
};

using Lines = std::vector<std::string>;

TEST_F(PreviewTest, says_that_nothing_is_to_be_done) {
  live({{"ray.yaml", cluster_file("ray")}});
  const Report report = plan({{"ray.yaml", cluster_file("ray")}});
  EXPECT_FALSE(has_changes(report));
  EXPECT_FALSE(has_problems(report));
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(object(report, "ray").left_in, Phase::Ready);
  EXPECT_NE(render_text(report, false).find("1 object unchanged: 1 Ready"), std::string::npos);
}

TEST_F(PreviewTest, plans_a_new_cluster_to_its_end) {
  const Report report = plan({{"ray.yaml", cluster_file("ray")}});
  const ObjectPlan& ray_plan = object(report, "ray");
  EXPECT_EQ(ray_plan.change, Change::Create);
  EXPECT_EQ(ray_plan.now.reason, "CreatingAnchor");
  EXPECT_EQ(deeds(ray_plan),
            (Lines{"create ConfigMap/default/raycluster.ray", "create Service/default/ray-head-svc",
                   "create Pod/default/ray-head", "create Pod/default/ray-small-worker-0"}));
  EXPECT_EQ(ray_plan.left_in, Phase::Ready);
  EXPECT_EQ(report.accepted_commit, "");
}

TEST_F(PreviewTest, a_change_of_scale_is_one_pod) {
  live({{"ray.yaml", cluster_file("ray")}});
  const std::string more = replaced(cluster_file("ray"), "replicas: 1", "replicas: 2");
  const Report report = plan({{"ray.yaml", more}});
  EXPECT_EQ(object(report, "ray").change, Change::Change);
  EXPECT_EQ(deeds(object(report, "ray")), (Lines{"replace ConfigMap/default/raycluster.ray",
                                                 "create Pod/default/ray-small-worker-1"}));
  EXPECT_EQ(summarise(report).restarts, 0U);
  EXPECT_EQ(report.accepted_commit, "c1");
}

TEST_F(PreviewTest, a_change_of_the_image_restarts_every_pod_the_head_last) {
  live({{"ray.yaml", cluster_file("ray")}});
  const Report report = plan({{"ray.yaml", cluster_file("ray", "2.41.0")}});
  EXPECT_EQ(deeds(object(report, "ray")),
            (Lines{"replace ConfigMap/default/raycluster.ray",
                   "delete Pod/default/ray-small-worker-0", "delete Pod/default/ray-head",
                   "create Pod/default/ray-head", "create Pod/default/ray-small-worker-0"}));
  EXPECT_EQ(object(report, "ray").restarts, 2U);
  EXPECT_NE(object(report, "ray").now.message.find("image"), std::string::npos);
}

TEST_F(PreviewTest, a_change_of_a_groups_template_restarts_its_pods) {
  live({{"ray.yaml", cluster_file("ray")}});
  const std::string env = "ray-worker\n          env: [{name: A, value: b}]";
  const Report report = plan({{"ray.yaml", replaced(cluster_file("ray"), "ray-worker", env)}});
  EXPECT_EQ(object(report, "ray").restarts, 1U) << render_text(report, false);
}

TEST_F(PreviewTest, says_when_it_looks_no_further) {
  using std::chrono::seconds;
  const Files files{{"ray.yaml", cluster_file("ray")}};
  EXPECT_TRUE(plan(files).complete);
  EXPECT_FALSE(plan(files, "", false, {.time_max = seconds(30)}).complete);
  EXPECT_FALSE(plan(files, "", false, {.steps_max = 4}).complete);
}

TEST_F(PreviewTest, an_engine_that_never_rests_is_cut_off) {
  LookAhead look_ahead;
  look_ahead.steps_max = 20;
  const Report report = plan({{"ray.yaml", cluster_file("ray")}}, "", false, look_ahead);
  EXPECT_FALSE(report.complete);
  EXPECT_TRUE(has_problems(report));
}

TEST_F(PreviewTest, a_removal_goes_to_its_end) {
  live({{"keep.yaml", cluster_file("keep")}, {"ray.yaml", cluster_file("ray")}});
  const Report report = plan({{"keep.yaml", cluster_file("keep")}});
  const ObjectPlan& gone = object(report, "ray");
  EXPECT_EQ(gone.change, Change::Delete);
  const Lines lines = deeds(gone);
  for (const char* each : {"delete Pod/default/ray-head", "delete Pod/default/ray-small-worker-0",
                           "delete ConfigMap/default/raycluster.ray"})
    EXPECT_EQ(std::count(lines.begin(), lines.end(), each), 1) << each;
  EXPECT_EQ(object(report, "keep").change, Change::None);
}

TEST_F(PreviewTest, what_is_held_is_not_done_and_what_releases_it_does_it) {
  live({{"ray.yaml", cluster_file("ray")}});
  const Report held = plan({});
  EXPECT_EQ(held.hold_id.size(), 12U);
  EXPECT_TRUE(has_problems(held));
  EXPECT_FALSE(has_changes(held));
  EXPECT_EQ(object(held, "ray").left_in, Phase::Held);
  const Report released = plan({}, "Empty it\n\nRay-Gitops-Release: " + held.hold_id + "\n");
  EXPECT_EQ(object(released, "ray").change, Change::Delete);
}

TEST_F(PreviewTest, nothing_is_done_of_a_commit_that_does_not_descend) {
  live({{"ray.yaml", cluster_file("ray")}});
  descends = false;
  const Report report = plan({{"other.yaml", cluster_file("other")}});
  EXPECT_NE(report.hold_message.find("does not descend from c1"), std::string::npos);
  EXPECT_FALSE(has_changes(report));
}

TEST_F(PreviewTest, one_bad_file_is_told_and_harms_itself_only) {
  live({{"ray.yaml", cluster_file("ray")}});
  const std::string wrong = replaced(cluster_file("ray"), "replicas: 1", "replica: 1");
  const Report report = plan({{"new.yaml", cluster_file("new")}, {"ray.yaml", wrong}});
  ASSERT_EQ(report.diagnostics.size(), 1U);
  EXPECT_EQ(report.diagnostics[0].path, "ray.yaml");
  EXPECT_TRUE(has_problems(report));
  EXPECT_EQ(object(report, "ray").change, Change::None);
  EXPECT_EQ(object(report, "ray").left_in, Phase::Blocked);
  EXPECT_EQ(object(report, "new").change, Change::Create);
}

TEST_F(PreviewTest, companions_come_first_and_values_of_secrets_are_told_to_nobody) {
  const std::string secret =
      "apiVersion: v1\nkind: Secret\nmetadata:\n  name: token\nstringData:\n  token: hunter2\n";
  const Report report = plan({{"ray.yaml", cluster_file("ray")}, {"secret.yaml", secret}});
  EXPECT_EQ(deeds(object(report, "token")), Lines{"apply Secret/default/token"});
  EXPECT_EQ(object(report, "token").change, Change::Create);
  EXPECT_EQ(object(report, "ray").change, Change::Create);
  EXPECT_EQ(render_text(report, true).find("hunter2"), std::string::npos);
  EXPECT_EQ(render_json(report).find("hunter2"), std::string::npos);
  EXPECT_TRUE(std::get<Action>(object(report, "token").deeds.at(0)).body.is_null());
}

TEST_F(PreviewTest, a_new_job_runs_on_a_cluster_without_a_name_yet) {
  const Report report = plan({{"count.yaml", job_file("count")}});
  const ObjectPlan& job = object(report, "count");
  EXPECT_EQ(deeds(job), (Lines{"create ConfigMap/default/rayjob.count",
                               "create ConfigMap/default/raycluster.count-*****",
                               "create Service/default/count-*****-head-svc",
                               "create Pod/default/count-*****-head",
                               "replace ConfigMap/default/rayjob.count", "submit job"}));
  EXPECT_EQ(job.now.phase, Phase::Applying) << job.now.reason << ": " << job.now.message;
  EXPECT_EQ(job.left_in, Phase::Running);
  EXPECT_EQ(summarise(report).submitted, 1U);
  EXPECT_EQ(report.objects.size(), 1U) << "its cluster is its own affair";
}

TEST_F(PreviewTest, a_job_that_runs_is_asked_for_once_and_left_alone) {
  live({{"count.yaml", job_file("count")}});
  ASSERT_EQ(bench.submitted.size(), 1U);
  ray.session = bench.ray_session;
  ray.job = RayJobInfo{.status = RayJobStatus::Running,
                       .run = run_of(bench.submitted[0]),
                       .error_type = "",
                       .driver_exit_code = std::nullopt,
                       .message = ""};
  const Report report = plan({{"count.yaml", job_file("count")}});
  EXPECT_FALSE(has_changes(report)) << render_text(report, false);
  EXPECT_EQ(object(report, "count").left_in, Phase::Running);
  for (const auto& [question, times] : asked) EXPECT_EQ(times, 1);
}

TEST_F(PreviewTest, a_head_that_is_silent_is_named) {
  live({{"count.yaml", job_file("count")}});
  heads_answer = false;
  const Report report = plan({{"count.yaml", job_file("count")}});
  ASSERT_EQ(report.unseen.size(), 1U);
  EXPECT_NE(report.unseen[0].find("-head does not answer from here: ray: no route"),
            std::string::npos);
  EXPECT_FALSE(has_changes(report));
}

TEST_F(PreviewTest, companions_that_cannot_be_listed_are_named_and_the_rest_is_planned) {
  unlisted = {ResourceType::PodDisruptionBudget};
  const Report report = plan({{"ray.yaml", cluster_file("ray")},
                              {"budget.yaml",
                               "apiVersion: policy/v1\nkind: PodDisruptionBudget\n"
                               "metadata: {name: heads}\nspec: {minAvailable: 1}\n"}});
  EXPECT_EQ(object(report, "ray").left_in, Phase::Ready);
  EXPECT_EQ(object(report, "heads").now.phase, Phase::Degraded);
  EXPECT_NE(object(report, "heads").now.message.find("no right"), std::string::npos);
  ASSERT_EQ(report.unseen.size(), 1U);
  EXPECT_EQ(report.unseen[0], "poddisruptionbudgets cannot be listed: no right");
  EXPECT_TRUE(report.complete);
}

TEST(Preview, can_do_without_what_is_a_companion_only_and_surely_not_to_be_had) {
  const auto can = [](ResourceType type, ErrorCode code) {
    return Preview::can_do_without({type, {code, "", ""}, ""});
  };
  EXPECT_TRUE(can(ResourceType::HTTPRoute, ErrorCode::NotFound));
  EXPECT_TRUE(can(ResourceType::Role, ErrorCode::Forbidden));
  EXPECT_FALSE(can(ResourceType::Role, ErrorCode::Unavailable)) << "it may answer in a moment";
  EXPECT_FALSE(can(ResourceType::Pod, ErrorCode::Forbidden));
  EXPECT_FALSE(can(ResourceType::Secret, ErrorCode::Forbidden));
}

TEST_F(PreviewTest, a_new_service_serves) {
  const Report report = plan({{"app.yaml", service_file("app")}});
  const ObjectPlan& service = object(report, "app");
  EXPECT_EQ(service.change, Change::Create);
  EXPECT_EQ(summarise(report).served, 1U);
  EXPECT_EQ(service.left_in, Phase::Ready) << render_text(report, false);
}

TEST_F(PreviewTest, the_same_gives_the_same_bytes_whatever_answers_first) {
  live({{"keep.yaml", cluster_file("keep")}, {"ray.yaml", cluster_file("ray")}});
  const Files files{{"count.yaml", job_file("count")},
                    {"keep.yaml", cluster_file("keep", "2.41.0")},
                    {"wrong.yaml", "kind: 1\n"}};
  const Report first = plan(files);
  const Report again = plan(files, "", true);
  EXPECT_EQ(render_text(first, false), render_text(again, false));
  EXPECT_EQ(render_json(first), render_json(again));
  EXPECT_EQ(bench.writes.size(), writes_before) << "the live cluster saw no write";
}

TEST_F(PreviewTest, a_job_that_runs_on_a_cluster_that_stays_is_stopped_when_it_is_removed) {
  const std::string selecting =
      "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: count\nspec:\n"
      "  entrypoint: python run.py\n  clusterSelector:\n    ray.io/cluster: keep\n";
  live({{"count.yaml", selecting}, {"keep.yaml", cluster_file("keep")}});
  ASSERT_EQ(bench.submitted.size(), 1U);
  ray.session = bench.ray_session;
  ray.job = RayJobInfo{.status = RayJobStatus::Running,
                       .run = run_of(bench.submitted[0]),
                       .error_type = "",
                       .driver_exit_code = std::nullopt,
                       .message = ""};
  const Report report = plan({{"keep.yaml", cluster_file("keep")}});
  const ObjectPlan& job = object(report, "count");
  EXPECT_EQ(job.change, Change::Delete) << render_text(report, false);
  EXPECT_EQ(deeds(job), (Lines{"replace ConfigMap/default/rayjob.count", "stop job",
                               "delete ConfigMap/default/rayjob.count"}));
  EXPECT_EQ(summarise(report).stopped, 1U);
}

TEST_F(PreviewTest, the_record_of_runs_counts) {
  live({{"count.yaml", job_file("count", "  shutdownAfterJobFinishes: true\n")}});
  bench.status_is_taken = true;
  bench.ray_says = RayJobStatus::Succeeded;
  bench.run(std::chrono::minutes(10));
  const Report report =
      plan({{"count.yaml", job_file("count", "  shutdownAfterJobFinishes: true\n")}});
  EXPECT_EQ(summarise(report).submitted, 0U) << render_text(report, false);
}

// The agent then does what the plan said, with the same reasons.
class TruthTest : public PreviewTest {
 protected:
  using Line = std::tuple<std::string, std::string, std::string>;
  static Line line_of(const Action& action) {
    return {ray_gitops::name_of(action.verb), to_string(action.target), action.reason};
  }

  void expect_true(const Files& before, const Files& after) {
    live(before);
    const Report report = plan(after);
    std::multiset<Line> planned;
    for (const ObjectPlan& object : report.objects)
      for (const review::Deed& deed : object.deeds)
        if (const auto* action = std::get_if<Action>(&deed)) planned.insert(line_of(*action));
    EXPECT_FALSE(planned.empty());
    bench.commit("c2", after);
    for (int round = 0; round < 8; ++round) bench.start_pods();
    const ResourceKey own = agent_anchor_key("ray", "demo");
    std::multiset<Line> done;
    for (std::size_t index = writes_before; index < bench.writes.size(); ++index)
      if (bench.writes[index].target != own) done.insert(line_of(bench.writes[index]));
    EXPECT_EQ(planned, done) << render_text(report, false);
  }
};

TEST_F(TruthTest, of_a_new_cluster) { expect_true({}, {{"ray.yaml", cluster_file("ray")}}); }

TEST_F(TruthTest, of_a_restart_of_the_whole) {
  expect_true({{"ray.yaml", cluster_file("ray")}}, {{"ray.yaml", cluster_file("ray", "2.41.0")}});
}

TEST_F(TruthTest, of_a_group_that_is_renamed_and_grows) {
  std::string renamed = replaced(cluster_file("ray"), "groupName: small", "groupName: large");
  renamed = replaced(renamed, "replicas: 1", "replicas: 3");
  expect_true({{"ray.yaml", cluster_file("ray")}}, {{"ray.yaml", renamed}});
}

TEST_F(TruthTest, of_a_suspended_cluster) {
  const std::string suspended =
      replaced(cluster_file("ray"), "spec:\n", "spec:\n  suspend: true\n");
  expect_true({{"ray.yaml", cluster_file("ray")}}, {{"ray.yaml", suspended}});
}

TEST_F(TruthTest, of_a_removal_beside_an_addition) {
  expect_true({{"keep.yaml", cluster_file("keep")}, {"ray.yaml", cluster_file("ray")}},
              {{"keep.yaml", cluster_file("keep")}, {"new.yaml", cluster_file("new")}});
}

TEST_F(TruthTest, of_a_service_that_gets_another_cluster) {
  ray.serve = ServeInfo{};
  ray.serve->applications["app"].status = ServeApplicationStatus::Running;
  ray.serve->proxies = {"10.0.0.1"};
  expect_true({{"app.yaml", service_file("app")}}, {{"app.yaml", service_file("app", "2.41.0")}});
}

}  // namespace
}  // namespace ray_gitops::review::test
