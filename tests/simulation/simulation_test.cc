// The simulation under ctest: fixed seeds, each twice; a crash after every single effect of small
// stories; and planted bugs, each to be caught by the checker whose job it is.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "tests/simulation/mutants.h"
#include "tests/simulation/world.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

std::string listed(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations)
    text += violation.checker + ": " + violation.what + "\n";
  return text;
}

std::string command(std::uint64_t seed) {
  return std::string(SIMULATE_PROGRAM) + " --seed " + std::to_string(seed);
}

class Seeds : public testing::TestWithParam<int> {};

TEST_P(Seeds, converge_and_are_silent_and_run_the_same_way_twice) {
  constexpr int k_seeds = 5;
  for (int index = 0; index < k_seeds; ++index) {
    const auto seed = static_cast<std::uint64_t>(GetParam() * k_seeds + index + 1);
    const Outcome first = run_seed(seed);
    EXPECT_EQ(listed(first.violations), "") << command(seed);
    const Outcome second = run_seed(seed);
    EXPECT_EQ(first.digest, second.digest) << "does not run the same way twice: " << command(seed);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixed, Seeds, testing::Range(0, 8));

// As many seeds from RAY_GITOPS_SIMULATION_SEED on as fit into RAY_GITOPS_SIMULATION_SECONDS.
TEST(RandomSeeds, find_nothing) {
  const char* text = std::getenv("RAY_GITOPS_SIMULATION_SECONDS");
  if (text == nullptr) GTEST_SKIP() << "RAY_GITOPS_SIMULATION_SECONDS is not set";
  const auto end = std::chrono::steady_clock::now() + seconds(std::stol(text));
  const char* first = std::getenv("RAY_GITOPS_SIMULATION_SEED");
  std::uint64_t seed = first != nullptr ? std::stoull(first) : std::random_device{}();
  int count = 0;
  for (; std::chrono::steady_clock::now() < end && !HasFailure(); ++seed, ++count)
    EXPECT_EQ(listed(run_seed(seed).violations), "") << command(seed);
  std::cout << count << " random seeds\n";
}

// What happens one after the other, each after the one before has taken effect.
struct Story {
  const char* name = "";
  std::vector<std::function<void(World&)>> steps;
  // The agent crashes after each of so many effects: 1, every one. Long stories take larger steps.
  std::int64_t stride = 1;
};

// People change files.
std::function<void(World&)> edit(const std::function<void(Repository&)>& change) {
  return [change](World& world) { world.user.edit("an edit", change); };
}

void restart_heads(World& world) { world.kubelet.restart_heads(); }

ClusterModel small_cluster() {
  ClusterModel cluster;
  cluster.ns = "default";
  cluster.path = "clusters/demo.yaml";
  cluster.groups = {{"small", 1, 0}};
  return cluster;
}

JobModel small_job(WorkKind kind) {
  JobModel job;
  job.ns = "default";
  job.path = "jobs/job.yaml";
  job.work = {kind, 5};
  return job;
}

void add_job(Repository& repository) { repository.jobs["job"] = small_job(WorkKind::Work); }

void add_selecting_job(Repository& repository) {
  repository.clusters["demo"] = small_cluster();
  add_job(repository);
  repository.jobs["job"].selects = "demo";
  repository.jobs["job"].shuts_down = false;
}

void add_failing_job(Repository& repository) {
  repository.jobs["job"] = small_job(WorkKind::Fail);
  repository.jobs["job"].backoff_limit = 1;
}

void add_endless_job(Repository& repository) {
  add_job(repository);
  repository.jobs["job"].work.kind = WorkKind::Forever;
  repository.jobs["other"] = small_job(WorkKind::Work);
  repository.jobs["other"].path = "jobs/other.yaml";
}

void add_service(Repository& repository) {
  ServiceModel service;
  service.ns = "default";
  service.path = "services/service.yaml";
  service.deletion_delay = 0;
  service.cluster.groups = {{"small", 1, 0}};
  repository.services["service"] = service;
}

void add_demo(Repository& repository) { repository.clusters["demo"] = small_cluster(); }

void add_scaling(Repository& repository) {
  add_demo(repository);
  ClusterModel& demo = repository.clusters.at("demo");
  demo.autoscales = true;
  demo.groups[0].replicas = 0;
  demo.groups[0].most = 3;
}

// Two clusters that may have one worker together: one waits until the other's has left.
void add_scaling_under_a_quota(Repository& repository) {
  add_scaling(repository);
  repository.clusters["other"] = repository.clusters.at("demo");
  repository.clusters.at("other").path = "clusters/other.yaml";
  repository.pods_quota = 3;
}

void submit_a_task_to_both(World& world) {
  for (const char* cluster : {"demo", "other"})
    world.gcs.submit({Kind::RayCluster, "default", cluster}, 1, seconds(10));
}

// Longer than a crash: no worker is free for a second one before the last is there.
void submit_tasks(World& world) {
  world.gcs.submit({Kind::RayCluster, "default", "demo"}, 3, seconds(40));
}

// What is held waits for somebody to read the status branch.
void empty_folder(World& world) {
  world.user.edit("an accident", [](Repository& repository) { repository = {}; });
  world.run_for(minutes(2));
  world.user.release_hold();
}

// It looks like a worker of ours, but we did not make it.
void make_foreign_worker(World& world) {
  world.user.make_foreign(
      {"pods", "default", worker_pod_name("demo", "small", 7)},
      {{labels::k_agent, k_agent_id}, {labels::k_cluster, "demo"}, {labels::k_group, "small"}});
}

void add_demo_with_token(Repository& repository) {
  add_demo(repository);
  repository.clusters.at("demo").asks_for_token = true;
}

void lose_token(World& world) { world.user.delete_by_hand({"secrets", "default", "demo"}); }

// A cluster and a companion in a namespace that the agent may be kept to or not.
void add_team(Repository& repository) {
  add_demo(repository);
  repository.clusters.at("demo").ns = k_team_ns;
  repository.companions = true;
}

std::function<void(World&)> keep_to(const std::set<std::string>& namespaces) {
  return [namespaces](World& world) { world.keep_to(namespaces); };
}

void grow_demo(Repository& repository) { repository.clusters.at("demo").groups[0].replicas = 2; }

// The first commit of an agent that is kept to two namespaces.
std::function<void(World&)> begin_in_two(const std::function<void(Repository&)>& change) {
  return [change](World& world) {
    world.keep_to({"default", k_team_ns});
    world.user.edit("an edit", change);
  };
}

void add_team_and_other(Repository& repository) {
  add_team(repository);
  repository.clusters["other"] = small_cluster();
  repository.clusters.at("other").path = "clusters/other.yaml";
}

void remove_team(Repository& repository) {
  repository.clusters.erase("demo");
  repository.companions = false;
}

std::vector<Story> namespace_stories() {
  const auto take_out = keep_to({"default"});
  const auto put_back = keep_to({"default", k_team_ns});
  return {
      {"namespaces", {begin_in_two(add_team), edit(grow_demo)}},
      {"namespace that is taken out and put back",
       {begin_in_two(add_team), take_out, edit(grow_demo), put_back}},
      {"file that is removed while its namespace is taken out",
       {begin_in_two(add_team_and_other), take_out, edit(remove_team), put_back}},
      {"agent that is kept from now on", {edit(add_team), begin_in_two(grow_demo)}},
      {"agent that is kept no longer", {begin_in_two(add_team), keep_to({}), edit(grow_demo)}},
  };
}

std::vector<Story> cluster_stories() {
  return {
      {"create", {edit(add_demo)}},
      {"restart", {edit(add_demo), edit([](Repository& r) { r.clusters.at("demo").image = 1; })}},
      {"scale",
       {edit(add_demo), edit([](Repository& r) { r.clusters.at("demo").groups[0].replicas = 2; })}},
      {"remove",
       {edit([](Repository& r) {
          add_demo(r);
          r.clusters["other"] = small_cluster();
          r.clusters["other"].path = "clusters/other.yaml";
        }),
        edit([](Repository& r) { r.clusters.erase("demo"); })}},
      {"suspend",
       {edit(add_demo), edit([](Repository& r) { r.clusters.at("demo").suspend = true; })}},
      {"grow and shrink", {edit(add_scaling), submit_tasks}},
      {"grow under a quota", {edit(add_scaling_under_a_quota), submit_a_task_to_both}, 4},
      {"folder that is emptied and released", {edit(add_demo), empty_folder}},
      {"token that is lost", {edit(add_demo_with_token), lose_token}},
      {"token that is not asked for any more", {edit(add_demo_with_token), edit([](Repository& r) {
                                                  r.clusters.at("demo").asks_for_token = false;
                                                })}},
      {"pod of a person", {edit(add_demo), make_foreign_worker}},
      {"companions", {edit(add_team)}},
  };
}

std::vector<Story> job_stories() {
  return {
      {"job", {edit(add_job)}},
      {"job on a selected cluster", {edit(add_selecting_job)}},
      {"job that fails twice", {edit(add_failing_job)}},
      {"job whose file is removed while it runs",
       {edit(add_endless_job), edit([](Repository& r) { r.jobs.erase("job"); })}},
      {"job whose head restarts", {edit(add_endless_job), restart_heads}},
  };
}

std::vector<Story> service_stories() {
  return {
      {"service",
       {edit(add_service), edit([](Repository& r) { r.services.at("service").revision = 1; })}},
      {"service that gets another cluster", {edit(add_service), edit([](Repository& r) {
                                               r.services.at("service").cluster.head_revision = 1;
                                             })}},
      {"service whose file is removed",
       {edit([](Repository& r) {
          add_service(r);
          add_demo(r);
        }),
        edit([](Repository& r) { r.services.erase("service"); })}},
      // Without workers: which slot the next one gets is a matter of when the one before is gone.
      {"service whose head restarts",
       {edit([](Repository& r) {
          add_service(r);
          r.services.at("service").cluster.groups.clear();
        }),
        restart_heads}},
      {"service that leaves its head out", {edit(add_service), edit([](Repository& r) {
                                              r.services.at("service").excludes_head = true;
                                            })}},
  };
}

std::vector<Story> stories() {
  std::vector<Story> all = cluster_stories();
  for (const std::vector<Story>& more : {namespace_stories(), job_stories(), service_stories()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

// When a job ran or a service was told what to serve, and where.
void forget_moments(Json& anchor) {
  Json state = Json::parse(anchor["data"]["state"].get<std::string>());
  for (const char* member : {"attemptStartedAt", "headUid", "session", "finishedAt"})
    state.erase(member);
  if (state.contains("finished"))
    for (Json& run : state["finished"]) run.erase("finishedAt");
  if (state.contains("clusters"))
    for (Json& cluster : state["clusters"]) cluster.erase("headUid");
  anchor["data"]["state"] = state.dump();
}

bool has_moments(const std::string& name) {
  return name.starts_with("rayjob.") || name.starts_with("rayservice.");
}

// An object without what differs between two runs that end in the same state.
Json normal_form(Json object) {
  for (const char* member :
       {"uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"})
    object["metadata"].erase(member);
  if (object["metadata"].contains("ownerReferences"))
    for (Json& owner : object["metadata"]["ownerReferences"]) owner.erase("uid");
  // A hash over all we write, the owner's uid among it.
  if (object["kind"] == "Service") object["metadata"]["annotations"].erase(labels::k_desired_hash);
  object.erase("status");
  if (has_moments(object["metadata"]["name"])) forget_moments(object);
  if (object["kind"] == "Lease") object.erase("spec");
  if (object["kind"] == "EndpointSlice") object = Json{};
  return object;
}

std::set<std::string> normal_form(const local_cluster::Store& store) {
  std::set<std::string> objects;
  for (const local_cluster::ResourceType& type : local_cluster::resource_types())
    for (const Document& object : store.list({.type = &type}))
      objects.insert(normal_form(object.json()).dump());
  return objects;
}

std::string difference(const std::set<std::string>& left, const std::set<std::string>& right) {
  std::string text;
  for (const std::string& object : left)
    if (!right.contains(object)) text += "- " + object + "\n";
  for (const std::string& object : right)
    if (!left.contains(object)) text += "+ " + object + "\n";
  return text;
}

struct End {
  std::set<std::string> state;
  std::vector<Violation> violations;
  std::size_t pods_made = 0;
  std::int64_t effects = 0;
};

// The agent is killed once, after the effect with this number; 0: never.
End tell(const Story& story, std::int64_t crash_after, const Mutant* mutant = nullptr) {
  World world(7, Faults{});
  if (mutant != nullptr) mutant->plant(world.hooks);
  std::set<std::string> pods;
  world.api.on_change = [&pods,
                         look_on = world.api.on_change](const local_cluster::Change& change) {
    look_on(change);
    if (change.key.plural == "pods") pods.insert(change.object.json()["metadata"]["uid"]);
  };
  world.agents.front()->crash_after(crash_after);
  world.agents.front()->start();
  for (const auto& step : story.steps) {
    step(world);
    world.converge(minutes(10));
  }
  End end;
  end.effects = world.agents.front()->effects();
  world.run_for(minutes(1));
  world.stay_silent(minutes(5));
  world.finish();
  end.state = normal_form(world.api.store());
  end.violations = world.core.violations;
  end.pods_made = pods.size();
  return end;
}

class Stories : public testing::TestWithParam<int> {};

TEST_P(Stories, end_in_the_same_state_wherever_the_agent_crashes) {
  const Story story = stories().at(static_cast<std::size_t>(GetParam()));
  const End calm = tell(story, 0);
  ASSERT_EQ(listed(calm.violations), "") << story.name;
  ASSERT_GT(calm.effects, 20);
  for (std::int64_t effect = 1; effect <= calm.effects; effect += story.stride) {
    const End end = tell(story, effect);
    EXPECT_EQ(listed(end.violations), "") << story.name << ", crash after effect " << effect;
    EXPECT_EQ(difference(calm.state, end.state), "")
        << story.name << ", crash after effect " << effect;
    EXPECT_EQ(end.pods_made, calm.pods_made) << story.name << ", crash after effect " << effect;
  }
}

INSTANTIATE_TEST_SUITE_P(Small, Stories, testing::Range(0, static_cast<int>(stories().size())));

class Mutants : public testing::TestWithParam<int> {
 protected:
  const Mutant& mutant() const { return mutants().at(static_cast<std::size_t>(GetParam())); }
  // What was found in its story.
  std::vector<Violation> told() const {
    for (const Story& story : stories())
      if (story.name == mutant().story()) return tell(story, 0, &mutant()).violations;
    ADD_FAILURE() << "there is no story \"" << mutant().story() << "\"";
    return {};
  }
  // True when the checker whose job it is has found something.
  bool is_caught(const std::vector<Violation>& violations) {
    for (const Violation& violation : violations) {
      if (violation.checker == mutant().caught_by()) return true;
      others_.insert(violation.checker + " (" + violation.what + ")");
    }
    return false;
  }
  std::string others() const {
    std::string text;
    for (const std::string& other : others_) text += " " + other;
    return text;
  }

 private:
  std::set<std::string> others_;
};

TEST_P(Mutants, are_caught_by_the_checker_whose_job_it_is) {
  constexpr std::uint64_t k_seeds = 40;
  bool caught = false;
  if (!mutant().story().empty()) {
    caught = is_caught(told());
  } else {
    for (std::uint64_t seed = 1; seed <= k_seeds && !caught; ++seed)
      caught = is_caught(run_seed(seed, &mutant()).violations);
  }
  EXPECT_TRUE(caught) << "\"" << mutant().name() << "\" is not caught by " << mutant().caught_by()
                      << "; seen by:" << others();
}

INSTANTIATE_TEST_SUITE_P(Planted, Mutants, testing::Range(0, static_cast<int>(mutants().size())));

}  // namespace
}  // namespace ray_gitops::simulation
