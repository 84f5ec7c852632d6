#include "reconcilers/manifest/pod.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/manifest/view.h"
#include "tests/unit/manifest/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

Json env_of(const Json& container, const std::string& name) {
  Json found;
  for (const Json& entry : container.at("env")) {
    if (entry.at("name") != name) continue;
    EXPECT_TRUE(found.is_null()) << name << " stands there twice";
    found = entry;
  }
  return found;
}

std::string value_of(const Json& container, const std::string& name) {
  const Json entry = env_of(container, name);
  return entry.is_object() ? entry.value("value", "") : "";
}

std::string line_of(const Json& pod) { return ray_container(pod).at("args").at(0); }

TEST(Pod, is_seen_as_what_it_was_made_as) {
  const Declaration declaration = cluster({});
  Json json = worker_of(declaration);
  json["metadata"]["uid"] = "u";
  json["metadata"]["resourceVersion"] = "1";
  const auto view = std::get<PodView>(parse_view(ResourceType::Pod, json).value());
  const GroupSpec& group = cluster_spec(declaration).workers.at(0);
  EXPECT_EQ(view.cluster, "demo");
  EXPECT_EQ(view.group, "small");
  EXPECT_EQ(view.template_hash, group.template_hash);
  EXPECT_EQ(view.runtime_hash, group.runtime_hash);
  EXPECT_EQ(view.incarnation, 1);
  EXPECT_EQ(view.meta.agent, "prod");
  EXPECT_EQ(view.meta.owner_uid, k_owner.anchor_uid);
}

// KubeRay keeps the template's name, so that every head has it (sharp edge E27).
TEST(Pod, has_our_name_whatever_its_template_says) {
  const Json pod = head_of(cluster({.head_metadata = ", name: mine, namespace: elsewhere"}));
  EXPECT_EQ(pod.at("metadata").at("name"), "demo-head");
  EXPECT_EQ(pod.at("metadata").at("namespace"), "default");
}

// Selectors stand on these (sharp edge E22).
TEST(Pod, keeps_the_labels_it_is_selected_by) {
  const std::string overrides =
      ", labels: {ray.io/cluster: x, ray.io/node-type: x, ray.io/group: x, ray.io/identifier: x, "
      "app.kubernetes.io/name: x, app.kubernetes.io/created-by: x, ray-gitops.io/agent: x, mine: "
      "kept}";
  const Json labels = head_of(cluster({.head_metadata = overrides})).at("metadata").at("labels");
  const Json selector = service_of(cluster({})).at("spec").at("selector");
  for (const auto& [key, value] : selector.items()) EXPECT_EQ(labels.at(key), value) << key;
  EXPECT_EQ(labels.at("ray.io/group"), "headgroup");
  EXPECT_EQ(labels.at("ray-gitops.io/agent"), "prod");
  EXPECT_EQ(labels.at("mine"), "kept");
}

TEST(Pod, takes_a_groups_labels_before_its_templates) {
  const Json labels = head_of(cluster({.head = ", labels: {zone: group, other: group}",
                                       .head_metadata = ", labels: {zone: template}"}))
                          .at("metadata")
                          .at("labels");
  EXPECT_EQ(labels.at("zone"), "group");
  EXPECT_EQ(labels.at("other"), "group");
}

TEST(Pod, runs_the_users_command_before_ray) {
  const Json pod =
      worker_of(cluster({.worker_container = ", command: [echo, hello], args: ['&&', cd, /tmp]"}));
  EXPECT_EQ(ray_container(pod).at("command"), Json({"/bin/bash", "-c", "--"}));
  EXPECT_TRUE(line_of(pod).starts_with(
      " echo  hello  &&  cd  /tmp  && ulimit -n ${RAY_START_ULIMIT_OPEN_FILES:-65536}; ray start "))
      << line_of(pod);
}

TEST(Pod, keeps_a_command_that_starts_ray_itself) {
  const Json pod = worker_of(
      cluster({.worker_container = ", command: [bash, -c], args: ['ray start --block']"}));
  EXPECT_EQ(ray_container(pod).at("command"), Json({"bash", "-c"}));
  EXPECT_EQ(line_of(pod), "ray start --block");
  EXPECT_TRUE(value_of(ray_container(pod), "KUBERAY_GEN_RAY_START_CMD").starts_with("ray start "));
}

TEST(Pod, keeps_its_command_when_the_file_says_so) {
  const Json pod =
      head_of(cluster({.metadata = ", annotations: {ray.io/overwrite-container-cmd: 'true'}",
                       .head_container = ", command: [sleep], args: ['9']"}));
  EXPECT_EQ(ray_container(pod).at("command"), Json({"sleep"}));
  EXPECT_EQ(line_of(pod), "9");
  EXPECT_EQ(pod.at("metadata").at("annotations").at("ray.io/overwrite-container-cmd"), "true");
}

TEST(Pod, has_every_variable_once) {
  const std::string env =
      ", env: [{name: RAY_IP, value: mine}, {name: RAY_ADDRESS, value: mine}, {name: "
      "RAY_CLUSTER_NAME, value: mine}, {name: OTHER, value: mine}]";
  const Json pod = worker_of(cluster({.worker_container = env}));
  std::set<std::string> names;
  const Json environment = ray_container(pod).at("env");
  for (const Json& entry : environment) EXPECT_TRUE(names.insert(entry.at("name")).second) << entry;
  EXPECT_EQ(value_of(ray_container(pod), "RAY_IP"), "demo-head-svc");
  EXPECT_EQ(value_of(ray_container(pod), "RAY_ADDRESS"), "mine");
  EXPECT_EQ(value_of(ray_container(pod), "OTHER"), "mine");
  EXPECT_TRUE(env_of(ray_container(pod), "RAY_CLUSTER_NAME").contains("valueFrom"));
  const Json wait = pod.at("spec").at("initContainers").at(0);
  EXPECT_EQ(value_of(wait, "RAY_IP"), "demo-head-svc");
  EXPECT_EQ(value_of(wait, "OTHER"), "mine");
}

TEST(Pod, of_a_head_leaves_a_choice_of_autoscaler_alone) {
  const std::string env = ", env: [{name: RAY_enable_autoscaler_v2, value: '0'}]";
  EXPECT_EQ(value_of(ray_container(head_of(cluster({.head_container = env}))),
                     "RAY_enable_autoscaler_v2"),
            "0");
}

TEST(Pod, of_a_worker_waits_for_its_head_after_the_users_own_containers) {
  const Json pod = worker_of(
      cluster({.worker_pod = ", initContainers: [{name: mine, image: busybox}]",
               .worker_container = ", imagePullPolicy: Never, securityContext: {runAsUser: 7}"}));
  const Json& containers = pod.at("spec").at("initContainers");
  ASSERT_EQ(containers.size(), 2U);
  EXPECT_EQ(containers[0].at("name"), "mine");
  EXPECT_EQ(value_of(containers[0], "FQ_RAY_IP"), "demo-head-svc.default.svc.cluster.local");
  EXPECT_EQ(containers[1].at("name"), "wait-gcs-ready");
  EXPECT_EQ(containers[1].at("imagePullPolicy"), "Never");
  EXPECT_EQ(containers[1].at("securityContext").at("runAsUser"), 7);
  EXPECT_NE(containers[1].at("args").at(0).get<std::string>().find(
                "/dev/tcp/demo-head-svc.default.svc.cluster.local/6379"),
            std::string::npos);
  EXPECT_NE(containers[1].at("args").at(0).get<std::string>().find(
                "ray health-check --address demo-head-svc.default.svc.cluster.local:6379"),
            std::string::npos)
      << "for those who have set up TLS";
  EXPECT_FALSE(head_of(cluster({})).at("spec").contains("initContainers"));
}

// Sharp edge E52 and its like: one port, told to everybody.
TEST(Pod, tells_everybody_the_heads_port) {
  const Declaration declaration = declared(
      "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {name: demo}\nspec:\n"
      "  headGroupSpec: {rayStartParams: {port: '6380'}, template: {spec: {containers: "
      "[{name: h, image: i}]}}}\n"
      "  workerGroupSpecs:\n"
      "  - {groupName: small, template: {spec: {containers: [{name: w, image: i}]}}}\n");
  const Json head = head_of(declaration);
  const Json worker = worker_of(declaration);
  EXPECT_EQ(value_of(ray_container(head), "RAY_PORT"), "6380");
  EXPECT_EQ(value_of(ray_container(head), "RAY_ADDRESS"), "127.0.0.1:6380");
  EXPECT_NE(line_of(head).find(" --port=6380 "), std::string::npos);
  EXPECT_EQ(value_of(ray_container(worker), "RAY_PORT"), "6380");
  EXPECT_NE(line_of(worker).find("--address=demo-head-svc.default.svc.cluster.local:6380 "),
            std::string::npos);
}

TEST(Pod, shares_memory_as_large_as_the_containers) {
  const auto volume = [](const std::string& resources) {
    return head_of(cluster({.head_container = ", resources: {" + resources + "}"}))
        .at("spec")
        .at("volumes")
        .at(0)
        .at("emptyDir");
  };
  EXPECT_EQ(volume("limits: {memory: 2Gi}, requests: {memory: 1Gi}"),
            Json({{"medium", "Memory"}, {"sizeLimit", "2Gi"}}));
  EXPECT_EQ(volume("requests: {memory: 1Gi}"), Json({{"medium", "Memory"}, {"sizeLimit", "1Gi"}}));
  EXPECT_EQ(volume(""), Json({{"medium", "Memory"}}));
}

TEST(Pod, leaves_shared_memory_to_whoever_mounts_it) {
  const Json pod =
      head_of(cluster({.head_pod = ", volumes: [{name: mine, emptyDir: {}}]",
                       .head_container = ", volumeMounts: [{name: mine, mountPath: /dev/shm}]"}));
  EXPECT_EQ(pod.at("spec").at("volumes").size(), 1U);
  EXPECT_EQ(ray_container(pod).at("volumeMounts").size(), 1U);
  const Json named =
      head_of(cluster({.head_pod = ", volumes: [{name: shared-mem, emptyDir: {}}]"}));
  EXPECT_EQ(named.at("spec").at("volumes").size(), 1U);
  EXPECT_EQ(ray_container(named).at("volumeMounts").at(0).at("name"), "shared-mem");
}

// A probe of the user's stands where ours would not work in the image: then none of ours may decide
// over the container's life.
TEST(Pod, has_no_probe_of_ours_where_the_user_has_replaced_both) {
  const Json both = ray_container(head_of(cluster(
      {.head_container = ", livenessProbe: {tcpSocket: {port: 1}}, readinessProbe: {tcpSocket: "
                         "{port: 1}}"})));
  EXPECT_FALSE(both.contains("startupProbe"));
  EXPECT_TRUE(both.at("livenessProbe").contains("tcpSocket"));
  const Json one = ray_container(
      head_of(cluster({.head_container = ", livenessProbe: {tcpSocket: {port: 1}}"})));
  EXPECT_TRUE(one.contains("startupProbe"));
  EXPECT_TRUE(one.at("livenessProbe").contains("tcpSocket"));
  EXPECT_TRUE(one.at("readinessProbe").contains("httpGet"));
}

TEST(Pod, of_a_replica_of_several_hosts_says_which_it_is) {
  Json json = worker_of(cluster({.worker = ", numOfHosts: 3"}), 7);
  const Json& labels = json.at("metadata").at("labels");
  EXPECT_EQ(json.at("metadata").at("name"), "demo-small-worker-7");
  EXPECT_EQ(labels.at("ray.io/worker-group-replica-index"), "2");
  EXPECT_EQ(labels.at("ray.io/worker-group-replica-name"), "small-2");
  EXPECT_EQ(labels.at("ray.io/replica-host-index"), "1");
  json["metadata"]["uid"] = "u";
  json["metadata"]["resourceVersion"] = "1";
  EXPECT_EQ(std::get<PodView>(parse_view(ResourceType::Pod, json).value()).replica, "small-2");
}

TEST(Pod, of_a_replica_of_one_host_is_its_replica) {
  const std::string theirs =
      ", labels: {ray.io/worker-group-replica-name: x, ray.io/replica-host-index: x}";
  const Json labels = worker_of(cluster({.worker = theirs}), 7).at("metadata").at("labels");
  EXPECT_EQ(labels.at("ray.io/worker-group-replica-index"), "7");
  EXPECT_FALSE(labels.contains("ray.io/worker-group-replica-name"));
  EXPECT_FALSE(labels.contains("ray.io/replica-host-index"));
}

}  // namespace
}  // namespace ray_gitops::test
