#include "agent/local_cluster/kubelet/pod_plan.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

struct PodPlanTest : testing::Test {
  PlanResult<PodProcessPlan> plan() const {
    return plan_pod({.pod = pod,
                     .network = {"raygitops0", "10.88.0.2", "10.88.0.1", 24},
                     .node_name = "local",
                     .hidden = {"/state"},
                     .ray_environments = environments,
                     .find = [this](const std::string& plural, const std::string& name) {
                       const auto found = objects.find(plural + "/" + name);
                       return found == objects.end() ? Document() : Document(found->second);
                     }});
  }
  json& container() { return pod["spec"]["containers"][0]; }
  std::string value_of(const char* name) const {
    const auto planned = plan();
    for (const auto& [known, value] : planned->containers[0].environment) {
      if (known == name) return value;
    }
    return "(unset)";
  }
  std::string problem() const {
    const auto planned = plan();
    return planned ? "" : planned.error().reason + ": " + planned.error().message;
  }

  json pod = json::parse(R"json({
      "metadata": {"name": "demo-head", "namespace": "default", "uid": "u"},
      "spec": {"containers": [{"name": "ray-head", "image": "rayproject/ray:2.60.0",
          "command": ["/bin/bash", "-c", "--"], "args": ["ray start --head $(WHO)"],
          "env": [{"name": "WHO", "value": "me"}]}]}})json");
  RayEnvironments environments = {{"2.60.0", "/opt/ray"}};
  std::map<std::string, json> objects;
};

TEST_F(PodPlanTest, runs_the_manifests_command_as_an_unprivileged_user) {
  const auto planned = plan();
  ASSERT_TRUE(planned);
  const ContainerPlan& ray = planned->containers[0];
  EXPECT_EQ(ray.command,
            (std::vector<std::string>{"/bin/bash", "-c", "--", "ray start --head me"}));
  EXPECT_EQ(ray.user, 1000U);
  EXPECT_EQ(ray.group, 1000U);
  EXPECT_EQ(ray.ray_environment, "/opt/ray");
  EXPECT_EQ(ray.working_directory, "/home/ray");
  EXPECT_EQ(planned->hostname, "demo-head");
  EXPECT_EQ(planned->restart_policy, RestartPolicy::Always);
}

TEST_F(PodPlanTest, user_of_the_container_wins_over_the_pods) {
  pod["spec"]["securityContext"] = {{"runAsUser", 7}, {"runAsGroup", 8}, {"fsGroup", 9}};
  EXPECT_EQ(plan()->containers[0].user, 7U);
  EXPECT_EQ(plan()->containers[0].group, 8U);
  EXPECT_EQ(plan()->volume_group, 9U);
  container()["securityContext"] = {{"runAsUser", 0}};
  EXPECT_EQ(plan()->containers[0].user, 0U);
}

TEST_F(PodPlanTest, adds_what_ray_needs_on_one_host_and_lets_the_pod_overrule_it) {
  EXPECT_TRUE(value_of("PATH").starts_with("/opt/ray/bin:"));
  EXPECT_EQ(value_of("GRPC_DNS_RESOLVER"), "native");
  EXPECT_EQ(value_of("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"), "28");
  EXPECT_EQ(value_of("RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES"), "200000000");
  pod["spec"]["terminationGracePeriodSeconds"] = 1;
  EXPECT_EQ(value_of("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"), "0");
  container()["resources"] = {{"limits", {{"memory", "1G"}}}};
  EXPECT_EQ(value_of("RAY_DEFAULT_OBJECT_STORE_MAX_MEMORY_BYTES"), "300000000");
  container()["env"].push_back({{"name", "GRPC_DNS_RESOLVER"}, {"value", "ares"}});
  container()["env"].push_back({{"name", "PATH"}, {"value", "/mine"}});
  EXPECT_EQ(value_of("GRPC_DNS_RESOLVER"), "ares");
  EXPECT_EQ(value_of("PATH"), "/opt/ray/bin:/mine");
}

TEST_F(PodPlanTest, says_which_image_is_not_available) {
  container()["image"] = "rayproject/ray:2.9.0";
  EXPECT_EQ(problem(),
            "ImageNotAvailable: rayproject/ray:2.9.0: no environment with Ray 2.9.0; Ray "
            "environments of this host: 2.60.0");
}

TEST_F(PodPlanTest, plans_volumes_and_their_mounts) {
  objects["configmaps/code"] = {{"kind", "ConfigMap"}, {"data", {{"a.py", "A"}, {"b.py", "B"}}}};
  objects["secrets/key"] = {{"kind", "Secret"}, {"data", {{"k", "eA=="}}}};
  pod["spec"]["volumes"] = json::parse(R"([
      {"name": "code", "configMap": {"name": "code", "items": [{"key": "b.py", "path": "x/b.py",
                                                                "mode": 256}]}},
      {"name": "key", "secret": {"secretName": "key", "defaultMode": 384}},
      {"name": "shared-mem", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}},
      {"name": "later", "configMap": {"name": "none", "optional": true}},
      {"name": "disk", "emptyDir": {}}])");
  container()["volumeMounts"] = json::parse(R"([
      {"name": "code", "mountPath": "/srv/samples/deeper"},
      {"name": "disk", "mountPath": "/srv/samples", "subPath": "s"},
      {"name": "shared-mem", "mountPath": "/dev/shm"}])");
  const auto planned = plan();
  ASSERT_TRUE(planned) << planned.error().message;
  const auto& volumes = planned->volumes;
  EXPECT_EQ(volumes[0].files.size(), 1U);
  EXPECT_EQ(volumes[0].files[0].path, "x/b.py");
  EXPECT_EQ(volumes[0].files[0].mode, 0400);
  EXPECT_EQ(volumes[1].files[0].content, "x");
  EXPECT_EQ(volumes[1].files[0].mode, 0600);
  EXPECT_EQ(volumes[2].kind, VolumeKind::Memory);
  EXPECT_EQ(volumes[2].bytes_max, std::int64_t{2} << 30);
  EXPECT_TRUE(volumes[3].files.empty());
  const auto& mounts = planned->containers[0].mounts;
  EXPECT_EQ(mounts[0].path, "/dev/shm");
  EXPECT_EQ(mounts[1].path, "/srv/samples");
  EXPECT_EQ(mounts[1].sub_path, "s");
  EXPECT_EQ(mounts[2].path, "/srv/samples/deeper");
  EXPECT_TRUE(mounts[2].read_only);
}

TEST_F(PodPlanTest, waits_for_objects_that_may_still_come) {
  pod["spec"]["volumes"] = json::parse(R"([{"name": "v", "secret": {"secretName": "none"}}])");
  EXPECT_EQ(problem(),
            "CreateContainerConfigError: volume v: there is no secrets/none in the namespace");
}

TEST_F(PodPlanTest, refuses_paths_that_leave_their_place) {
  objects["configmaps/c"] = {{"kind", "ConfigMap"}, {"data", {{"k", "v"}}}};
  for (const char* path : {"../x", "/etc/passwd", "a/../../b", ""}) {
    pod["spec"]["volumes"] = json::array(
        {{{"name", "v"},
          {"configMap",
           {{"name", "c"}, {"items", json::array({{{"key", "k"}, {"path", path}}})}}}}});
    EXPECT_TRUE(problem().starts_with("CreateContainerConfigError")) << path;
  }
  pod["spec"]["volumes"] = json::parse(R"([{"name": "v", "emptyDir": {}}])");
  container()["volumeMounts"] = json::parse(R"([{"name": "v", "mountPath": "/a/../../etc"}])");
  EXPECT_TRUE(problem().starts_with("CreateContainerConfigError"));
  container()["volumeMounts"] =
      json::parse(R"([{"name": "v", "mountPath": "/a", "subPath": "../x"}])");
  EXPECT_TRUE(problem().starts_with("CreateContainerConfigError"));
}

TEST_F(PodPlanTest, says_what_it_does_not_support) {
  const std::pair<const char*, const char*> patches[] = {
      {"/spec/volumes", R"([{"name": "v", "hostPath": {"path": "/"}}])"},
      {"/spec/volumes", R"([{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}])"},
      {"/spec/volumes", R"([{"name": "../v", "emptyDir": {}}])"},
      {"/spec/hostNetwork", "true"},
      {"/spec/containers/0/securityContext", R"({"privileged": true})"},
      {"/spec/containers/0/lifecycle", R"({"postStart": {"exec": {"command": ["x"]}}})"},
      {"/spec/containers/0/livenessProbe", R"({"grpc": {"port": 1}})"},
      {"/spec/containers/0/command", "[]"},
      {"/spec/containers/0/name", R"("../x")"},
      {"/spec/initContainers", R"([{"name": "s", "restartPolicy": "Always"}])"},
      {"/spec/containers", "[]"}};
  for (const auto& [path, value] : patches) {
    const json before = pod;
    pod[json::json_pointer(path)] = json::parse(value);
    EXPECT_NE(problem(), "") << path << " " << value;
    pod = before;
  }
}

TEST_F(PodPlanTest, survives_hostile_types) {
  for (const char* value : {"null", "1", "\"x\"", "[]", "{}", "[1]", "[[]]", "true"}) {
    const json before = pod;
    for (const char* field : {"volumes", "containers", "initContainers", "securityContext",
                              "restartPolicy", "terminationGracePeriodSeconds", "hostname"}) {
      pod["spec"][field] = json::parse(value);
      static_cast<void>(plan());
      pod = before;
    }
    for (const char* field : {"env", "envFrom", "args", "volumeMounts", "resources", "lifecycle",
                              "livenessProbe", "ports", "securityContext", "workingDir", "image"}) {
      container()[field] = json::parse(value);
      static_cast<void>(plan());
      pod = before;
    }
  }
}

}  // namespace
}  // namespace ray_gitops::local_cluster
