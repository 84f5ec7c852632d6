// The table of KubeRay 1.7's rules for the `ray start` line, and where we deviate.

#include "reconcilers/manifest/ray_start.h"

#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops {
namespace {

using Texts = std::map<std::string, std::string>;

constexpr const char* k_address = "demo-head-svc.default.svc.cluster.local:6379";

GroupSpec group_with(const Texts& limits, const Texts& requests = {}) {
  nlohmann::json resources = nlohmann::json::object();
  if (!limits.empty()) resources["limits"] = limits;
  if (!requests.empty()) resources["requests"] = requests;
  GroupSpec group;
  nlohmann::json pod_template;
  pod_template["spec"]["containers"][0] = {{"name", "ray"}, {"resources", resources}};
  group.pod_template = Document(std::move(pod_template));
  return group;
}

// The flags of a worker but for those that every worker has.
Texts flags_of(const GroupSpec& group) {
  Texts flags = ray_start_params(group, k_address);
  for (const char* common :
       {"address", "block", "metrics-export-port", "dashboard-agent-listen-port"})
    flags.erase(common);
  return flags;
}

TEST(RayStart, of_a_worker_has_the_flags_that_are_missing) {
  EXPECT_EQ(ray_start_params({}, k_address), (Texts{{"address", k_address},
                                                    {"block", "true"},
                                                    {"dashboard-agent-listen-port", "52365"},
                                                    {"metrics-export-port", "8080"}}));
}

TEST(RayStart, of_a_head_never_starts_rays_own_monitor) {
  GroupSpec head;
  head.ray_start_params = {{"no-monitor", "false"}};
  EXPECT_EQ(ray_start_params(head, ""), (Texts{{"block", "true"},
                                               {"dashboard-agent-listen-port", "52365"},
                                               {"dashboard-host", "0.0.0.0"},
                                               {"metrics-export-port", "8080"},
                                               {"no-monitor", "true"}}));
}

TEST(RayStart, keeps_what_the_user_wrote_but_for_block) {
  GroupSpec group = group_with({{"cpu", "8"}, {"memory", "1Gi"}, {"nvidia.com/gpu", "2"}});
  group.ray_start_params = {{"num-cpus", "0"},
                            {"num-gpus", "1"},
                            {"memory", "5"},
                            {"metrics-export-port", "9"},
                            {"block", "false"},
                            {"address", "elsewhere:1"},
                            {"dashboard-agent-listen-port", "7"}};
  Texts wanted = group.ray_start_params;
  wanted["block"] = "true";
  EXPECT_EQ(ray_start_params(group, k_address), wanted);
}

TEST(RayStart, takes_cpus_from_the_limit_and_else_from_the_request) {
  EXPECT_EQ(flags_of(group_with({{"cpu", "2"}}, {{"cpu", "1"}})), (Texts{{"num-cpus", "2"}}));
  EXPECT_EQ(flags_of(group_with({}, {{"cpu", "1500m"}})), (Texts{{"num-cpus", "2"}}));
  EXPECT_EQ(flags_of(group_with({{"cpu", "500m"}})), (Texts{{"num-cpus", "1"}}));
  EXPECT_EQ(flags_of(group_with({{"cpu", "0"}})), (Texts{}));
}

TEST(RayStart, takes_memory_from_the_limit_only) {
  EXPECT_EQ(flags_of(group_with({{"memory", "2Gi"}})), (Texts{{"memory", "2147483648"}}));
  EXPECT_EQ(flags_of(group_with({}, {{"memory", "2Gi"}})), (Texts{}));
}

TEST(RayStart, takes_gpus_from_the_first_limit_that_is_one) {
  EXPECT_EQ(flags_of(group_with({{"nvidia.com/gpu", "4"}})), (Texts{{"num-gpus", "4"}}));
  EXPECT_EQ(flags_of(group_with({{"amd.com/gpu", "3"}, {"nvidia.com/gpu", "4"}})),
            (Texts{{"num-gpus", "3"}}));
  EXPECT_EQ(flags_of(group_with({{"amd.com/gpu", "0"}, {"nvidia.com/gpu", "4"}})),
            (Texts{{"num-gpus", "4"}}));
  EXPECT_EQ(flags_of(group_with({{"nvidia.com/mig-3g.20gb", "2"}})), (Texts{{"num-gpus", "2"}}));
  EXPECT_EQ(flags_of(group_with({{"nvidia.com/gpu.shared", "2"}})), (Texts{}));
  EXPECT_EQ(flags_of(group_with({{"nvidia.com/mig-3g.20gb.me", "2"}})), (Texts{}));
  EXPECT_EQ(flags_of(group_with({}, {{"nvidia.com/gpu", "2"}})), (Texts{}));
}

TEST(RayStart, adds_one_accelerator_to_the_resources) {
  EXPECT_EQ(flags_of(group_with({{"google.com/tpu", "4"}})),
            (Texts{{"resources", R"('{"TPU":4}')"}}));
  EXPECT_EQ(flags_of(group_with({{"aws.amazon.com/neuroncore", "2"}, {"google.com/tpu", "4"}})),
            (Texts{{"resources", R"('{"neuron_cores":2}')"}}));
  EXPECT_EQ(flags_of(group_with({{"aws.amazon.com/neuroncore", "0"}, {"google.com/tpu", "4"}})),
            (Texts{{"resources", R"('{"TPU":4}')"}}));
}

TEST(RayStart, merges_an_accelerator_into_what_the_user_wrote_in_whatever_quotes) {
  for (const char* written : {R"('{"custom_resource": 2}')", R"("{"custom_resource": 2}")",
                              R"(`{"custom_resource": 2}` )", R"( {"custom_resource": 2})"}) {
    GroupSpec group = group_with({{"aws.amazon.com/neuroncore", "4"}});
    group.ray_start_params = {{"resources", written}};
    EXPECT_EQ(flags_of(group)["resources"], R"('{"custom_resource":2,"neuron_cores":4}')")
        << written;
  }
}

TEST(RayStart, adds_no_accelerator_where_the_user_names_one) {
  GroupSpec group = group_with({{"aws.amazon.com/neuroncore", "4"}});
  group.ray_start_params = {{"resources", R"('{"TPU": 1}')"}};
  EXPECT_EQ(flags_of(group)["resources"], R"('{"TPU": 1}')");
}

// KubeRay gives up the GPUs too (sharp edge E49).
TEST(RayStart, leaves_resources_it_cannot_read_and_still_sees_gpus) {
  for (const char* written : {"'{custom: 1}'", "'[1]'", "''", "not json"}) {
    GroupSpec group = group_with({{"google.com/tpu", "4"}, {"nvidia.com/gpu", "1"}});
    group.ray_start_params = {{"resources", written}};
    EXPECT_EQ(flags_of(group), (Texts{{"num-gpus", "1"}, {"resources", written}})) << written;
  }
}

TEST(RayStart, takes_the_groups_resources_before_the_containers) {
  GroupSpec group = group_with({{"cpu", "8"}, {"memory", "1Gi"}, {"nvidia.com/gpu", "2"}});
  group.resources = {{"CPU", "500m"}, {"memory", "4Gi"}, {"GPU", "1"},
                     {"Custom", "2"}, {"half", "0.5"},   {"broken", "much"}};
  EXPECT_EQ(flags_of(group), (Texts{{"memory", "4294967296"},
                                    {"num-cpus", "1"},
                                    {"num-gpus", "1"},
                                    {"resources", R"('{"Custom":2,"half":0.5}')"}}));
}

TEST(RayStart, can_say_that_a_group_has_no_cpus) {
  GroupSpec group = group_with({{"cpu", "8"}});
  group.resources = {{"CPU", "0"}};
  EXPECT_EQ(flags_of(group), (Texts{{"num-cpus", "0"}}));
}

TEST(RayStart, joins_labels_in_order) {
  GroupSpec group;
  group.labels = {{"zone", "b"}, {"ray.io/accelerator-type", "A100"}, {"empty", ""}};
  EXPECT_EQ(flags_of(group), (Texts{{"labels", "empty=,ray.io/accelerator-type=A100,zone=b"}}));
}

TEST(RayStart, survives_templates_of_any_shape) {
  for (const char* text :
       {"null", "[]", "1", "{}", R"({"spec":[]})", R"({"spec":{"containers":{}}})",
        R"({"spec":{"containers":[]}})", R"({"spec":{"containers":[7]}})",
        R"({"spec":{"containers":[{"resources":[]}]}})",
        R"({"spec":{"containers":[{"resources":{"limits":[1]}}]}})"}) {
    GroupSpec group;
    group.pod_template = *Document::parse(text);
    EXPECT_EQ(flags_of(group), (Texts{})) << text;
  }
}

TEST(RayStart, reads_quantities_that_are_written_as_numbers) {
  GroupSpec group;
  group.pod_template = *Document::parse(
      R"({"spec":{"containers":[{"resources":{"limits":{"cpu":2,"memory":1024}}}]}})");
  EXPECT_EQ(flags_of(group), (Texts{{"memory", "1024"}, {"num-cpus", "2"}}));
}

// The examples of KubeRay's behaviour, with their doubled spaces.
TEST(RayStartLine, is_written_as_kuberay_writes_it) {
  EXPECT_EQ(render_ray_start({{"block", "true"},
                              {"dashboard-agent-listen-port", "52365"},
                              {"dashboard-host", "0.0.0.0"},
                              {"metrics-export-port", "8080"},
                              {"num-cpus", "1"}},
                             true),
            "ray start --head  --block  --dashboard-agent-listen-port=52365  "
            "--dashboard-host=0.0.0.0  --metrics-export-port=8080  --num-cpus=1 ");
  EXPECT_EQ(render_ray_start({{"num-gpus", "1"}}, false), "ray start  --num-gpus=1 ");
  EXPECT_EQ(render_ray_start({{"resources", R"('{"TPU":4}')"}}, false),
            R"(ray start  --resources='{"TPU":4}' )");
  EXPECT_EQ(render_ray_start({{"include-log-monitor", "false"}}, true),
            "ray start --head  --include-log-monitor=false ");
  EXPECT_EQ(render_ray_start({}, false), "ray start ");
}

TEST(RayStartLine, leaves_out_switches_that_are_off) {
  EXPECT_EQ(render_ray_start({{"a", "FALSE"}, {"b", "True"}, {"log-color", "False"}}, false),
            "ray start  --b  --log-color=False ");
}

TEST(GcsPort, is_the_one_of_the_heads_flags) {
  RayClusterSpec spec;
  EXPECT_EQ(gcs_port(spec), "6379");
  spec.head.ray_start_params["port"] = "6380";
  EXPECT_EQ(gcs_port(spec), "6380");
}

}  // namespace
}  // namespace ray_gitops
