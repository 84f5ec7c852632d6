// Whatever happens, in whatever order: what serves is not taken away before something else serves,
// no two clusters have one name, and in the end one cluster serves what the file says. Whatever a
// world looks like: a plan touches only what is the service's.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "reconcilers/manifest/names.h"
#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

using rc::gen::arbitrary;
using rc::gen::element;
using rc::gen::inRange;

ServiceFile any_file() {
  ServiceFile file;
  file.head = *element<std::string>("1", "1", "2", "3");
  file.config = *element<std::string>("1", "1", "2", "bad", "refused");
  file.replicas = *inRange(0, 3);
  file.second_group = *arbitrary<bool>();
  if (*inRange(0, 4) == 0) file.fields += "  upgradeStrategy: {type: None}\n";
  if (*inRange(0, 8) == 0) file.fields += "  suspend: true\n";
  if (*inRange(0, 4) == 0) file.fields += "  rayClusterDeletionDelaySeconds: 2\n";
  if (*inRange(0, 4) == 0) file.fields += "  excludeHeadPodFromServeSvc: true\n";
  return file;
}

std::string any_cluster(const ServiceWorld& world) {
  if (world.clusters.empty()) return {};
  auto cluster = world.clusters.begin();
  std::advance(cluster, *inRange<std::size_t>(0, world.clusters.size()));
  return cluster->first;
}

void hurt(ServiceWorld& world, const std::string& name) {
  if (name.empty() || !world.cluster(name).head) return;
  if (*arbitrary<bool>()) return world.replace_head(name);
  world.restart_head(name);
}

void let_something_happen(ServiceWorld& world) {
  switch (*inRange(0, 10)) {
    case 0:
      world.heads_are_silent = *arbitrary<bool>();
      return;
    case 1:
      world.answers_are_lost = *arbitrary<bool>();
      return;
    case 2:
      world.clusters_come_up = *arbitrary<bool>();
      return;
    case 3:
      world.proxies_are_healthy = *arbitrary<bool>();
      return;
    case 4:
      return hurt(world, any_cluster(world));
    case 5:
      if (!world.clusters.empty()) world.delete_child(any_cluster(world));
      return;
    case 6:
      world.services.clear();
      return;
    case 7:
      world.clusters_go = *arbitrary<bool>();
      return;
    case 8:
      world.pass(std::chrono::seconds(*inRange(0, 70)));
      return;
    default:
      return world.restart_agent();
  }
}

Plan end_well(ServiceWorld& world) {
  world.heads_are_silent = false;
  world.answers_are_lost = false;
  world.clusters_come_up = true;
  world.clusters_go = true;
  world.proxies_are_healthy = true;
  settle(world);
  world.pass(std::chrono::seconds(60));
  return settle(world);
}

TEST(AnyFaults, end_with_one_cluster_that_serves_what_the_file_says) {
  EXPECT_TRUE(rc::check([] {
    ServiceWorld world(any_file());
    const int steps = *inRange(0, 50);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 4) == 0) let_something_happen(world);
      if (*inRange(0, 10) == 0) world.file = declare(any_file());
      world.step();  // the world checks what is taken away, and when
    }
    world.file = declare({.head = *element<std::string>("1", "2")});
    const Plan plan = end_well(world);
    RC_ASSERT(plan.phase == Phase::Ready);
    RC_ASSERT(world.clusters.size() == 1u);
    RC_ASSERT(world.services.size() == 1u);
    RC_ASSERT(world.serving_config() == "1:app");
    RC_ASSERT(world.state().made <= static_cast<std::int64_t>(world.names_created.size()) +
                                        static_cast<std::int64_t>(steps));
  }));
}

TEST(AnyFaults, leave_nothing_of_a_service_whose_file_is_removed) {
  EXPECT_TRUE(rc::check([] {
    ServiceWorld world(any_file());
    const int steps = *inRange(0, 40);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 4) == 0) let_something_happen(world);
      if (*inRange(0, 10) == 0) world.file = declare(any_file());
      world.step();
    }
    world.file.reset();
    const Plan plan = end_well(world);
    RC_ASSERT(!world.anchor && world.children.empty() && world.services.empty());
    RC_ASSERT(plan.actions.empty() && plan.retirements.empty() && plan.ray_requests.empty());
  }));
}

// Without faults: requests are answered from the first Ready on, through any edits.
TEST(AnyEdits, keep_the_service_answering) {
  EXPECT_TRUE(rc::check([] {
    ServiceWorld world({});
    start(world);
    const int steps = *inRange(0, 60);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 8) == 0) {
        ServiceFile file;
        file.head = *element<std::string>("1", "2", "3");
        file.second_group = *arbitrary<bool>();
        file.replicas = *inRange(1, 3);
        world.file = declare(file);
      }
      if (*inRange(0, 8) == 0) world.restart_agent();
      world.step();
      RC_ASSERT(world.serving_config().has_value());
    }
  }));
}

TEST(Restart, after_any_step_ends_the_same_way_without_another_cluster) {
  constexpr int k_steps = 24;
  for (int restart_at = 0; restart_at < k_steps; ++restart_at) {
    ServiceWorld world({});
    for (int step = 0; step < k_steps; ++step) {
      world.step();
      if (step == restart_at) world.restart_agent();
    }
    EXPECT_EQ(start(world).phase, Phase::Ready);
    world.file = declare({.head = "2"});
    for (int step = 0; step < k_steps; ++step) {
      world.step();
      if (step == restart_at) world.restart_agent();
    }
    EXPECT_EQ(settle(world).phase, Phase::Ready);
    EXPECT_EQ(world.names_created.size(), 2u) << "restarted after step " << restart_at;
    EXPECT_EQ(world.state().made, 2);
  }
}

std::string any_text() {
  return *element<std::string>("", "head-1", "head-2", "fruit", "x", "mine");
}

ServeInfo any_serve() {
  ServeInfo info;
  const int count = *inRange(0, 3);
  for (int number = 0; number < count; ++number) {
    ServeApplication& application = info.applications[*element<std::string>("fruit", "x", "\xff")];
    application.status = static_cast<ServeApplicationStatus>(*inRange(0, 6));
    application.message = *arbitrary<std::string>();
    application.deployments[any_text()] = {*arbitrary<std::string>(), {{any_text(), 1}}};
  }
  if (*arbitrary<bool>()) info.proxies.insert("10.0.0.5");
  return info;
}

void make_hostile(ServiceCluster& cluster, Now now) {
  if (*inRange(0, 3) == 0) cluster.facts.head_uid = any_text();
  if (*inRange(0, 3) == 0) cluster.facts.head_address = "";
  if (*inRange(0, 3) == 0) cluster.facts.head_ready = *arbitrary<bool>();
  for (ClusterPod& pod : cluster.facts.pods) {
    pod.serves = *arbitrary<bool>();
    pod.ready = *arbitrary<bool>();
  }
  if (*inRange(0, 3) == 0) cluster.head.head_uid = any_text();
  if (*arbitrary<bool>()) cluster.head.serve = any_serve();
  if (*inRange(0, 3) == 0) cluster.head.serve.reset();
  cluster.head.serve_answered_at = {now.monotonic.milliseconds + *inRange(-9000, 9000)};
  if (*inRange(0, 3) == 0) cluster.head.serving_at = now.monotonic;
  if (*inRange(0, 3) == 0) cluster.head.config_digest = any_text();
  if (*inRange(0, 4) == 0) cluster.head.refused = Error{ErrorCode::Rejected, any_text(), ""};
  if (*inRange(0, 4) == 0) cluster.head.silence = "it timed out";
}

void make_hostile(ServiceObserved& seen, Now now) {
  auto clusters = seen.clusters.value();
  for (auto& [name, cluster] : clusters) make_hostile(cluster, now);
  if (*inRange(0, 6) == 0) clusters.clear();
  seen.clusters = Known<std::map<std::string, ServiceCluster>>{clusters};
  auto children = seen.children.value();
  for (ConfigMapView& child : children) {
    child.meta.terminating = *inRange(0, 4) == 0;
    if (*inRange(0, 4) == 0) child.spec_hash = "v1:other";
    if (*inRange(0, 6) == 0) child.document = "not readable";
    if (*inRange(0, 6) == 0) child.anchor_name = "other";
  }
  seen.children = Known<std::vector<ConfigMapView>>{children};
  auto services = seen.services.value();
  for (ServiceView& service : services) {
    if (*inRange(0, 4) == 0) service.shape_digest = "other";
    if (*inRange(0, 4) == 0) service.meta.terminating = true;
    if (*inRange(0, 4) == 0) service.headless = true;
  }
  seen.services = Known<std::vector<ServiceView>>{services};
  auto anchor = seen.anchor.value();
  if (!anchor) return;
  if (*inRange(0, 6) == 0) anchor->meta.terminating = true;
  if (*inRange(0, 6) == 0) anchor->state = *arbitrary<std::string>();
  if (*inRange(0, 6) == 0) anchor->spec_hash = "v1:other";
  seen.anchor = Known<std::optional<ConfigMapView>>{anchor};
}

std::map<ResourceKey, std::string> owned_by_the_service(const ServiceObserved& seen) {
  std::map<ResourceKey, std::string> uids;
  if (const auto& anchor = seen.anchor.value()) uids[anchor->meta.key] = anchor->meta.uid;
  for (const ConfigMapView& child : seen.children.value()) uids[child.meta.key] = child.meta.uid;
  for (const ServiceView& service : seen.services.value())
    uids[service.meta.key] = service.meta.uid;
  for (const auto& [name, cluster] : seen.clusters.value())
    for (const ClusterPod& pod : cluster.facts.pods)
      uids[{ResourceType::Pod, "default", pod.name}] = pod.uid;
  return uids;
}

void expect_careful(const Plan& plan, const ServiceObserved& seen) {
  const auto owned = owned_by_the_service(seen);
  RC_ASSERT(!plan.reason.empty() && !plan.message.empty());
  RC_ASSERT(plan.message.find('\n') == std::string::npos);
  RC_ASSERT(std::is_sorted(
      plan.actions.begin(), plan.actions.end(), [](const Action& left, const Action& right) {
        return std::tie(left.wave, left.target) < std::tie(right.wave, right.target);
      }));
  for (const Action& action : plan.actions) {
    if (action.verb == Verb::Create) {
      RC_ASSERT(!owned.contains(action.target));
      continue;
    }
    RC_ASSERT(owned.contains(action.target));
    RC_ASSERT(action.preconditions.uid == owned.at(action.target));
    if (action.verb == Verb::Replace) RC_ASSERT(!action.preconditions.resource_version.empty());
  }
  for (const Retirement& retirement : plan.retirements)
    RC_ASSERT(owned.contains(anchor_key(retirement.cluster)));
  std::set<std::string> asked;
  for (const RayRequest& request : plan.ray_requests) {
    RC_ASSERT(asked.insert(request.cluster).second);
    RC_ASSERT(!request.head_uid.empty() && !request.address.empty());
    RC_ASSERT((request.verb == RayVerb::PutServe) == !request.config_digest.empty());
  }
}

TEST(AnyWorld, gets_a_plan_that_touches_only_what_is_the_services) {
  EXPECT_TRUE(rc::check([] {
    ServiceWorld world(any_file());
    const int steps = *inRange(0, 40);
    for (int step = 0; step < steps; ++step) {
      if (*inRange(0, 4) == 0) let_something_happen(world);
      if (*inRange(0, 10) == 0) world.file = declare(any_file());
      world.step();
    }
    ServiceObserved seen = world.observed();
    make_hostile(seen, world.now);
    const Declaration other = declare(any_file());
    const Declaration& own = *world.file;
    for (const Declaration* file :
         std::initializer_list<const Declaration*>{&own, &other, nullptr}) {
      const Plan plan = plan_for(file, seen, world.now);
      expect_careful(plan, seen);
      RC_ASSERT(render(plan) == render(plan_for(file, seen, world.now)));
      RC_ASSERT(plan.ray == plan_for(file, seen, world.now).ray);
    }
  }));
}

}  // namespace
}  // namespace ray_gitops::test
