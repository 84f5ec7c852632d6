// Whatever a cluster looks like: nothing of others is touched, and it ends as declared.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "reconcilers/manifest/names.h"
#include "reconcilers/raycluster/reconcile.h"
#include "reconcilers/raycluster/workers.h"
#include "tests/support/declared.h"
#include "tests/support/golden.h"
#include "tests/unit/raycluster/cluster_model.h"
#include "tests/unit/raycluster/observed_file.h"

namespace ray_gitops::test {
namespace {

using rc::gen::arbitrary;
using rc::gen::element;
using rc::gen::inRange;

const std::string k_other_uid = "uid-of-another-owner";

const Declaration& base() {
  static const Declaration declaration =
      declared(read_text("tests/golden/raycluster/cluster.yaml"));
  return declaration;
}

// The shared cluster with other sizes; sometimes suspended.
Declaration any_declaration() {
  Declaration declaration = base();
  auto& spec = std::get<RayClusterSpec>(declaration.spec);
  spec.suspend = *inRange(0, 6) == 0;
  spec.token_auth = *arbitrary<bool>();
  for (GroupSpec& group : spec.workers) {
    group.replicas = *inRange(0, 5);
    group.suspend = *inRange(0, 6) == 0;
    group.hosts = *element(1, 1, 2, 3);
  }
  return declaration;
}

// Mostly as it should be: otherwise every world would only be a whole restart.
bool rarely() { return *inRange(0, 5) == 0; }

std::string any_group() {
  return *element<std::string>(k_head_group_name, "small", "small", "large", "gone");
}

ObjectMeta any_meta(ResourceType type, const std::string& name, Now now) {
  ObjectMeta meta;
  meta.key = {type, "default", name};
  meta.uid = "uid-of-" + name;
  meta.resource_version = "1";
  meta.agent = k_agent_id;
  meta.owner_uid = rarely() ? k_other_uid : k_anchor_uid;
  meta.terminating = rarely();
  if (meta.terminating && !rarely())
    meta.deletion_deadline = now.wall + std::chrono::seconds(*inRange(-60, 60));
  meta.created_at = now.wall + std::chrono::seconds(*inRange(-100, 0));
  return meta;
}

void use_replica(const GroupSpec& group, PodView& pod) {
  const auto slot = slot_of(pod.meta.key.name, "demo", group.name);
  if (slot && group.hosts > 1 && !rarely())
    pod.replica = replica_name(group.name, *slot / group.hosts);
}

PodView any_pod(const RayClusterSpec& spec, Now now) {
  const std::string group = any_group();
  const bool odd_name = rarely();
  const std::string name = odd_name ? "odd-" + std::to_string(*inRange(0, 3))
                           : group == k_head_group_name
                               ? "demo-head"
                               : worker_pod_name("demo", group, *inRange(0, 9));
  PodView pod;
  pod.meta = any_meta(ResourceType::Pod, name, now);
  pod.cluster = "demo";
  pod.group = group;
  pod.template_hash = "v1:old";
  pod.runtime_hash = "v1:old";
  const auto use = [&](const GroupSpec& declared_group) {
    if (declared_group.name != group) return;
    if (!rarely()) pod.template_hash = declared_group.template_hash;
    if (!rarely()) pod.runtime_hash = declared_group.runtime_hash;
  };
  use(spec.head);
  for (const GroupSpec& worker : spec.workers) use_replica(worker, pod);
  for (const GroupSpec& worker : spec.workers) use(worker);
  pod.incarnation = rarely() ? 1 : 2;
  pod.phase = *element(PodPhase::Running, PodPhase::Running, PodPhase::Running, PodPhase::Pending,
                       PodPhase::Failed, PodPhase::Succeeded, PodPhase::Unknown);
  pod.ready = pod.phase == PodPhase::Running && !rarely();
  if (pod.phase == PodPhase::Running)
    pod.ray_started_at = now.wall + std::chrono::seconds(*inRange(-100, 0));
  pod.ray_restart_count = rarely() ? 1 : 0;
  pod.ray_terminated = rarely();
  pod.restarts_in_place = !rarely();
  return pod;
}

// One object a name, in order of name.
template <class View>
std::vector<View> distinct(std::vector<View> views) {
  std::map<ResourceKey, View> by_key;
  for (View& view : views) by_key.emplace(view.meta.key, std::move(view));
  std::vector<View> result;
  for (auto& [key, view] : by_key) result.push_back(std::move(view));
  return result;
}

std::vector<ServiceView> any_services(Now now) {
  std::vector<ServiceView> services;
  for (const char* name : {"demo-head-svc", "demo-old-svc", "odd"}) {
    if (rarely()) continue;
    ServiceView service;
    service.meta = any_meta(ResourceType::Service, name, now);
    service.meta.desired_hash = "v1:old";
    service.cluster = "demo";
    service.headless = !rarely();
    services.push_back(service);
  }
  return services;
}

std::vector<SecretView> any_secrets(Now now) {
  std::vector<SecretView> secrets;
  for (const char* name : {"demo", "odd"}) {
    if (*arbitrary<bool>()) continue;
    SecretView secret;
    secret.meta = any_meta(ResourceType::Secret, name, now);
    secret.cluster = "demo";
    secrets.push_back(secret);
  }
  return secrets;
}

// A world with or without an anchor, in every state of disorder.
World any_world(const Declaration& declaration) {
  const bool with_anchor = !rarely();
  World world = parse_world(with_anchor ? "anchor: {incarnation: 2}" : "anchor: none", declaration);
  std::vector<PodView> pods;
  const int count = *inRange(0, 20);
  for (int index = 0; index < count; ++index)
    pods.push_back(any_pod(cluster_spec(declaration), world.now));
  world.observed.pods = Known<std::vector<PodView>>{distinct(std::move(pods))};
  world.observed.services = Known<std::vector<ServiceView>>{any_services(world.now)};
  world.observed.secrets = Known<std::vector<SecretView>>{any_secrets(world.now)};
  if (with_anchor && rarely()) {
    auto anchor = world.observed.anchor.value();
    anchor->spec_hash = "v1:old";
    anchor->meta.terminating = rarely();
    world.observed.anchor = Known<std::optional<ConfigMapView>>{anchor};
  }
  for (const char* group : {k_head_group_name, "small", "large"})
    if (rarely())
      world.observed.failures[group] = {
          *inRange(1, 9), world.now.monotonic + std::chrono::seconds(*inRange(-100, 0))};
  if (rarely()) world.observed.lost_replicas.insert("small-0@v1:old");
  // A name that is taken out of our sight keeps its replica from ever being whole.
  const bool alone = cluster_spec(declaration).workers.front().hosts == 1;
  for (int slot = 0; slot < 3; ++slot)
    if (rarely())
      world.observed
          .refusals[{ResourceType::Pod, "default", worker_pod_name("demo", "small", slot)}] = {
          {alone ? *element(ErrorCode::AlreadyExists, ErrorCode::Forbidden) : ErrorCode::Forbidden,
           "refused", ""},
          1,
          world.now.monotonic + std::chrono::seconds(*inRange(-10, 10))};
  world.observed.was_ready = *arbitrary<bool>();
  world.removed = *inRange(0, 4) == 0;
  return world;
}

Plan plan_of(const ClusterObserved& observed, bool removed, const Declaration& declaration,
             Now now) {
  return removed ? raycluster::plan_removal(declaration.key, {}, observed, now)
                 : raycluster::reconcile(declaration, observed, k_agent_id, now);
}

Plan plan_of(const World& world, const Declaration& declaration) {
  return plan_of(world.observed, world.removed, declaration, world.now);
}

std::string everything_of(const Plan& plan) {
  std::string text = render(plan);
  for (const Action& action : plan.actions)
    text += action.body.canonical() + action.preconditions.uid +
            action.preconditions.resource_version + std::to_string(action.wave) + "\n";
  for (const Condition& condition : plan.conditions) text += condition.type + condition.message;
  if (plan.next_look_at) text += std::to_string(plan.next_look_at->milliseconds);
  return text + plan.ray.canonical();
}

// The objects that a plan may write to: the anchor and what it owns.
std::map<ResourceKey, std::string> owned_objects(const ClusterObserved& observed) {
  std::map<ResourceKey, std::string> owned;
  const auto& anchor = observed.anchor.value();
  if (!anchor) return owned;
  owned[anchor->meta.key] = anchor->meta.uid;
  const auto add = [&](const ObjectMeta& meta) {
    if (meta.owner_uid == anchor->meta.uid) owned[meta.key] = meta.uid;
  };
  for (const PodView& pod : observed.pods.value()) add(pod.meta);
  for (const ServiceView& service : observed.services.value()) add(service.meta);
  for (const SecretView& secret : observed.secrets.value()) add(secret.meta);
  return owned;
}

TEST(AnyWorld, gives_the_same_plan_twice) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    RC_ASSERT(everything_of(plan_of(world, declaration)) ==
              everything_of(plan_of(world, declaration)));
  }));
}

TEST(AnyWorld, has_only_its_own_objects_written_to) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    const auto owned = owned_objects(world.observed);
    for (const Action& action : plan_of(world, declaration).actions) {
      if (action.verb == Verb::Create) {
        RC_ASSERT(action.preconditions.uid.empty());
        continue;
      }
      RC_ASSERT(owned.contains(action.target));
      RC_ASSERT(action.preconditions.uid == owned.at(action.target));
    }
  }));
}

TEST(AnyWorld, has_nothing_made_whose_name_a_pod_holds) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    std::set<ResourceKey> names;
    for (const PodView& pod : world.observed.pods.value()) names.insert(pod.meta.key);
    for (const Action& action : plan_of(world, declaration).actions)
      if (action.verb == Verb::Create) RC_ASSERT(names.insert(action.target).second);
  }));
}

TEST(AnyWorld, never_gets_more_pods_than_are_declared) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    std::map<std::string, std::int64_t> made;
    for (const Action& action : plan_of(world, declaration).actions)
      if (action.verb == Verb::Create && action.target.type == ResourceType::Pod)
        ++made[action.body.json()["metadata"]["labels"]["ray.io/group"].get<std::string>()];
    RC_ASSERT(made[k_head_group_name] <= 1);
    for (const GroupSpec& group : cluster_spec(declaration).workers)
      RC_ASSERT(made[group.name] <= raycluster::wanted_pods(group));
    if (world.removed || cluster_spec(declaration).suspend)
      for (const auto& [group, count] : made) RC_ASSERT(count == 0);
  }));
}

TEST(AnyWorld, has_its_actions_in_order) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    const Plan plan = plan_of(world, declaration);
    RC_ASSERT(std::is_sorted(
        plan.actions.begin(), plan.actions.end(), [](const Action& left, const Action& right) {
          return std::tie(left.wave, left.target) < std::tie(right.wave, right.target);
        }));
    for (const Action& action : plan.actions) RC_ASSERT(!action.reason.empty());
  }));
}

TEST(AnyWorld, that_is_not_known_gets_no_action) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    World world = any_world(declaration);
    const Unknown unknown{"the list is not complete yet"};
    const bool needs_secrets = cluster_spec(declaration).token_auth && !world.removed;
    const int which = *inRange(0, needs_secrets ? 4 : 3);
    if (which == 0) world.observed.anchor = unknown;
    if (which == 1) world.observed.pods = unknown;
    if (which == 2) world.observed.services = unknown;
    if (which == 3) world.observed.secrets = unknown;
    const Plan plan = plan_of(world, declaration);
    RC_ASSERT(plan.actions.empty());
    RC_ASSERT(plan.message == unknown.why);
  }));
}

TEST(AnyWorld, of_services_in_another_order_gives_the_same_plan) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    World world = any_world(declaration);
    const std::string plan = everything_of(plan_of(world, declaration));
    auto services = world.observed.services.value();
    std::reverse(services.begin(), services.end());
    world.observed.services = Known<std::vector<ServiceView>>{services};
    RC_ASSERT(everything_of(plan_of(world, declaration)) == plan);
  }));
}

constexpr int k_rounds_max = 20;

// Plans and time until a plan has no effect any more. What is then said of the cluster.
Plan settle(ClusterModel& model, const World& world, const Declaration& declaration) {
  for (int round = 0; round < k_rounds_max; ++round) {
    const Plan plan = plan_of(model.observed(), world.removed, declaration, model.now());
    const int effects = model.apply(plan);
    if (effects == 0 && round > 0) {
      model.pass_time();
      const Plan last = plan_of(model.observed(), world.removed, declaration, model.now());
      if (model.apply(last) == 0)
        return plan_of(model.observed(), world.removed, declaration, model.now());
    }
    model.pass_time();
  }
  RC_FAIL("it never comes to rest");
}

std::string shown(const ClusterModel& model) {
  std::string text;
  const auto add = [&](const ObjectMeta& meta) {
    text += to_string(meta.key) + " of " + meta.owner_uid + (meta.terminating ? ", leaving" : "");
  };
  for (const PodView& pod : model.observed().pods.value()) {
    add(pod.meta);
    text += ", group " + pod.group + ", incarnation " + std::to_string(pod.incarnation) + "\n";
  }
  for (const ServiceView& service : model.observed().services.value()) {
    add(service.meta);
    text += "\n";
  }
  for (const SecretView& secret : model.observed().secrets.value()) {
    add(secret.meta);
    text += "\n";
  }
  return text;
}

bool is_free(const ClusterModel& model, ResourceType type, const std::string& name) {
  return !model.foreign().contains({type, "default", name});
}

void expect_whole_replicas(const ClusterModel& model, const GroupSpec& group) {
  std::map<std::int64_t, std::int64_t> hosts;
  const std::string uid = model.observed().anchor.value()->meta.uid;
  for (const PodView& pod : model.observed().pods.value())
    if (pod.group == group.name && pod.meta.owner_uid == uid)
      if (const auto slot = slot_of(pod.meta.key.name, "demo", group.name))
        ++hosts[*slot / group.hosts];
  for (const auto& [replica, count] : hosts)
    if (group.hosts > 1) RC_ASSERT(count == group.hosts);
}

void expect_as_declared(const ClusterModel& model, const Plan& plan,
                        const Declaration& declaration) {
  const RayClusterSpec& spec = cluster_spec(declaration);
  std::map<std::string, std::int64_t> counts;
  const std::string uid = model.observed().anchor.value()->meta.uid;
  for (const PodView& pod : model.observed().pods.value())
    if (pod.meta.owner_uid == uid) ++counts[pod.group];
  RC_ASSERT(plan.phase == (spec.suspend ? Phase::Suspended : Phase::Ready));
  RC_ASSERT(plan.actions.empty());
  std::int64_t total = spec.suspend ? 0 : 1;
  RC_ASSERT(counts[k_head_group_name] == total);
  for (const GroupSpec& group : spec.workers) {
    const std::int64_t wanted = spec.suspend ? 0 : raycluster::wanted_pods(group);
    RC_ASSERT(counts[group.name] == wanted);
    expect_whole_replicas(model, group);
    total += wanted;
  }
  const auto& secrets = model.observed().secrets.value();
  RC_ASSERT(std::count_if(secrets.begin(), secrets.end(), [&](const SecretView& secret) {
              return secret.meta.owner_uid == uid;
            }) == (spec.token_auth ? 1 : 0));
  std::int64_t all = 0;
  for (const auto& [group, count] : counts) all += count;
  RC_ASSERT(all == total);
}

TEST(AnyWorld, comes_to_rest_as_declared) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    World world = any_world(declaration);
    world.removed = false;
    ClusterModel model(world.observed, world.now);
    const Plan plan = settle(model, world, declaration);
    RC_LOG() << shown(model) << render(plan);
    const bool names_are_free =
        is_free(model, ResourceType::Pod, "demo-head") &&
        is_free(model, ResourceType::Service, "demo-head-svc") &&
        (!cluster_spec(declaration).token_auth || is_free(model, ResourceType::Secret, "demo"));
    if (!names_are_free && plan.phase == Phase::Degraded) return;
    if (!names_are_free && cluster_spec(declaration).suspend) return;
    expect_as_declared(model, plan, declaration);
  }));
}

TEST(AnyWorld, that_is_removed_leaves_nothing_of_its_own) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    World world = any_world(declaration);
    world.removed = true;
    ClusterModel model(world.observed, world.now);
    const Plan plan = settle(model, world, declaration);
    RC_ASSERT(plan.actions.empty());
    RC_ASSERT(!model.observed().anchor.value().has_value());
    for (const PodView& pod : model.observed().pods.value())
      RC_ASSERT(!world.observed.anchor.value() || pod.meta.owner_uid == k_other_uid);
  }));
}

TEST(AnyWorld, leaves_what_others_own_as_it_is) {
  EXPECT_TRUE(rc::check([] {
    const Declaration declaration = any_declaration();
    const World world = any_world(declaration);
    const auto& anchor = world.observed.anchor.value();
    if (!anchor || anchor->meta.terminating) return;  // what a lost anchor owned goes with it
    ClusterModel model(world.observed, world.now);
    const auto before = model.foreign();
    settle(model, world, declaration);
    for (const auto& [key, uid] : before) RC_ASSERT(model.foreign().at(key) == uid);
  }));
}

}  // namespace
}  // namespace ray_gitops::test
