#include <chrono>

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

Declaration declared(const std::string& text) {
  const ParsedFile file = parse(text);
  const auto& declaration = file.documents.at(0).declaration;
  EXPECT_TRUE(declaration.has_value()) << text << listed(file.diagnostics);
  return declaration.value_or(Declaration{});
}

RayServiceSpec spec_of_service(const std::string& text) {
  const Declaration declaration = declared(text);
  EXPECT_FALSE(declaration.blocked.has_value()) << text;
  return std::get<RayServiceSpec>(declaration.spec);
}

std::string rules_of(const std::string& text) {
  std::string rules;
  for (const Diagnostic& diagnostic : parse(text).diagnostics)
    rules += (rules.empty() ? "" : ", ") + diagnostic.rule;
  return rules;
}

std::string with_fields(const std::string& fields) { return service(k_application, {}, fields); }

std::string with_cluster(const std::string& cluster) { return service(k_application, cluster); }

std::string with_container(const std::string& container) {
  return service(k_application, {}, {}, {}, container);
}

TEST(RayService, has_the_defaults_of_kuberay) {
  const RayServiceSpec spec = spec_of_service(service());
  EXPECT_TRUE(spec.serve_service.is_null());
  EXPECT_FALSE(spec.exclude_head);
  EXPECT_TRUE(spec.replaces_cluster);
  EXPECT_EQ(spec.cluster_deletion_delay, Duration{std::chrono::seconds{60}});
  EXPECT_FALSE(spec.suspend);
  EXPECT_TRUE(spec.group_hashes.empty());
  EXPECT_EQ(spec.applications, std::set<std::string>{"default"});
}

TEST(RayService, carries_what_is_written) {
  const RayServiceSpec spec = spec_of_service(
      with_fields("  serveService: {metadata: {name: entry}}\n  excludeHeadPodFromServeSvc: true\n"
                  "  upgradeStrategy: {type: None}\n  rayClusterDeletionDelaySeconds: 7\n"
                  "  suspend: true\n  managedBy: ray.io/kuberay-operator\n"));
  EXPECT_EQ(spec.serve_service.json(), Json::parse(R"({"metadata":{"name":"entry"}})"));
  EXPECT_TRUE(spec.exclude_head);
  EXPECT_FALSE(spec.replaces_cluster);
  EXPECT_EQ(spec.cluster_deletion_delay, Duration{std::chrono::seconds{7}});
  EXPECT_TRUE(spec.suspend);
}

TEST(RayService, replaces_clusters_unless_it_says_none) {
  const auto replaces = [](const char* type) {
    return spec_of_service(with_fields(std::string("  upgradeStrategy: {type: ") + type + "}\n"))
        .replaces_cluster;
  };
  EXPECT_TRUE(replaces("NewCluster"));
  EXPECT_FALSE(replaces("None"));
  EXPECT_TRUE(spec_of_service(with_fields("  upgradeStrategy: {}\n")).replaces_cluster);
}

// What the engine does with the anchor of a service's cluster.
Declaration child_of(const RayServiceSpec& spec, const std::string& name) {
  Json document = spec.cluster.json();
  document["metadata"]["name"] = name;
  const Result<Declaration> child = parse_document(Document(document), {"", "fruit.yaml", 1});
  EXPECT_TRUE(child.has_value()) << (child ? "" : describe(child.error()));
  return child.value_or(Declaration{});
}

TEST(RayService, has_clusters_that_are_documents_of_their_own_once_they_are_named) {
  const Declaration child = child_of(
      spec_of_service(service(k_application, workers_of_service("      replicas: 2\n"), {},
                              "  labels: {team: a, ray-gitops.io/agent: x}\n"
                              "  annotations: {note: text, ray-gitops.io/commit: x,\n"
                              "                ray.io/overwrite-container-cmd: 'true'}\n")),
      "fruit-0a1b2");
  EXPECT_EQ(child.key, (ObjectKey{Kind::RayCluster, "team", "fruit-0a1b2"}));
  EXPECT_FALSE(child.blocked.has_value());
  const auto& spec = std::get<RayClusterSpec>(child.spec);
  EXPECT_TRUE(spec.overwrite_container_command);
  EXPECT_EQ(spec.workers.at(0).replicas, 2);
  const Json& metadata = child.document.json().at("metadata");
  EXPECT_EQ(metadata.at("labels"), Json::parse(R"({"team":"a"})"));
  EXPECT_EQ(metadata.at("annotations"),
            Json::parse(R"({"note":"text","ray.io/overwrite-container-cmd":"true"})"));
}

TEST(RayService, reads_what_its_anchor_keeps_to_the_same) {
  const Declaration first =
      declared(service(k_application, workers_of_service("      replicas: 2\n")));
  const Result<Declaration> second = parse_document(first.document, {"", "fruit.yaml", 1});
  ASSERT_TRUE(second.has_value());
  const auto& before = std::get<RayServiceSpec>(first.spec);
  const auto& after = std::get<RayServiceSpec>(second->spec);
  EXPECT_EQ(after.cluster, before.cluster);
  EXPECT_EQ(after.head_hash, before.head_hash);
  EXPECT_EQ(after.group_hashes, before.group_hashes);
  EXPECT_EQ(after.serve_config_digest, before.serve_config_digest);
}

// Head hash and group hashes.
std::string hashes(const std::string& text) {
  const RayServiceSpec spec = spec_of_service(text);
  std::string all = spec.head_hash;
  for (const auto& [group, hash] : spec.group_hashes) all.append(" " + group).append("=" + hash);
  return all;
}

std::string group_hashes(const std::string& fields) {
  return hashes(with_cluster(workers_of_service(fields)));
}

TEST(ServiceHashes, ask_for_another_cluster_for_what_a_running_one_cannot_become) {
  const std::string plain = hashes(service());
  EXPECT_NE(hashes(with_cluster("    rayVersion: 2.9.0\n")), plain);
  EXPECT_NE(hashes(with_cluster("      rayStartParams: {num-cpus: '0'}\n")), plain);
  EXPECT_NE(hashes(with_cluster("      resources: {CPU: '1'}\n")), plain);
  EXPECT_NE(hashes(with_container(", env: [{name: A, value: b}]")), plain);
  EXPECT_NE(hashes(service(k_application, {}, {},
                           "  annotations: {ray.io/overwrite-container-cmd: 'true'}\n")),
            plain);
  std::string other_image = service();
  other_image.replace(other_image.find("2.9.0"), 5, "2.9.1");
  EXPECT_NE(hashes(other_image), plain);
}

TEST(ServiceHashes, of_a_group_are_others_for_what_restarts_its_pods) {
  const RayServiceSpec before = spec_of_service(with_cluster(workers_of_service("")));
  for (const char* field : {"      labels: {a: b}\n", "      rayStartParams: {num-cpus: '1'}\n",
                            "      resources: {CPU: '1'}\n", "      numOfHosts: 1\n"}) {
    const RayServiceSpec after = spec_of_service(with_cluster(workers_of_service(field)));
    EXPECT_NE(after.group_hashes.at("a"), before.group_hashes.at("a")) << field;
    EXPECT_EQ(after.head_hash, before.head_hash) << field;
  }
}

TEST(ServiceHashes, are_the_same_for_what_scales_a_cluster_or_leads_to_it) {
  const std::string plain = group_hashes("");
  for (const char* field : {"      replicas: 3\n", "      minReplicas: 1\n",
                            "      maxReplicas: 9\n", "      suspend: true\n",
                            "      scaleStrategy: {workersToDelete: [x]}\n", "      priority: 0\n"})
    EXPECT_EQ(group_hashes(field), plain) << field;
  for (const char* field :
       {"    suspend: true\n", "    enableInTreeAutoscaling: false\n",
        "    autoscalerOptions: {idleTimeoutSeconds: 5}\n", "    headServiceAnnotations: {a: b}\n",
        "      serviceType: NodePort\n", "      headService: {metadata: {labels: {a: b}}}\n"})
    EXPECT_EQ(hashes(with_cluster(field)), hashes(service())) << field;
  EXPECT_EQ(hashes(service("    applications: [{import_path: 'c:d'}]\n", {},
                           "  suspend: true\n  excludeHeadPodFromServeSvc: true\n",
                           "  namespace: other\n  labels: {a: b}\n  annotations: {note: x}\n")),
            hashes(service()));
}

TEST(ServiceHashes, of_groups_that_stay_do_not_change_when_one_is_added) {
  const RayServiceSpec one = spec_of_service(with_cluster(workers_of_service("")));
  const RayServiceSpec two = spec_of_service(with_cluster(
      workers_of_service("    - template: {spec: {containers: [{name: w, image: 'ray:2.9.0'}]}}\n"
                         "      groupName: b\n")));
  EXPECT_EQ(two.head_hash, one.head_hash);
  EXPECT_EQ(two.group_hashes.at("a"), one.group_hashes.at("a"));
  EXPECT_EQ(two.group_hashes.size(), 2U);
}

// Keys in any order and groups in any order say the same.
TEST(ServiceHashes, do_not_depend_on_any_order) {
  EXPECT_TRUE(rc::check([] {
    const auto shuffled = [](std::vector<std::string> parts) {
      std::string text;
      while (!parts.empty()) {
        const auto index = *rc::gen::inRange<std::size_t>(0, parts.size());
        text += parts[index];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(index));
      }
      return text;
    };
    const auto group = [&](const std::string& name) {
      return "    - replicas: 1\n" +
             shuffled({"      groupName: " + name + "\n", "      rayStartParams: {b: c, a: b}\n",
                       "      template: {spec: {containers: [{image: 'r', name: w}]}}\n",
                       "      labels: {x: y}\n"});
    };
    const std::string cluster =
        "    workerGroupSpecs:\n" + shuffled({group("a"), group("b"), group("c")});
    const std::string config =
        shuffled({"    target_capacity: 50\n", "    http_options: {port: 8000, host: 0.0.0.0}\n",
                  "    applications: [{name: x, import_path: 'a:b'}]\n"});
    static const RayServiceSpec k_first = spec_of_service(service(config, cluster));
    const RayServiceSpec spec = spec_of_service(service(config, cluster));
    RC_ASSERT(spec.head_hash == k_first.head_hash);
    RC_ASSERT(spec.group_hashes == k_first.group_hashes);
    RC_ASSERT(spec.serve_config_digest == k_first.serve_config_digest);
  }));
}

TEST(RayService, needs_a_serve_port_where_the_head_lists_ports) {
  EXPECT_EQ(rules_of(service()), "");
  EXPECT_EQ(rules_of(with_container(", ports: [{name: serve, containerPort: 8000}]")), "");
  EXPECT_EQ(rules_of(with_container(", ports: [{name: serve-a, containerPort: 8000}]")), "");
  EXPECT_EQ(rules_of(with_container(", ports: []")), "");
  EXPECT_EQ(rules_of(with_container(", ports: [{name: server, containerPort: 8000}]")),
            "ServePort");
  EXPECT_EQ(rules_of(with_container(", ports: [{containerPort: 8000}]")), "ServePort");
  EXPECT_EQ(rules_of(service(k_application, {}, "  serveService: {spec: {ports: [{port: 80}]}}\n",
                             {}, ", ports: [{containerPort: 8000}]")),
            "");
}

TEST(RayService, warns_when_serve_listens_on_a_port_that_nothing_leads_to) {
  const std::string other = "    http_options: {port: 9000}\n" + k_application;
  const ParsedFile file = parse(service(other));
  EXPECT_TRUE(file.documents.at(0).declaration.has_value());
  EXPECT_EQ(listed(file.diagnostics),
            "warning demo.yaml:6:3 ServePort: Serve listens on port 9000, but no serve port of the "
            "head's Ray container has this number; write {name: serve, containerPort: 9000} "
            "there\n");
  EXPECT_EQ(rules_of(service(other, {}, {}, {}, ", ports: [{name: serve, containerPort: 9000}]")),
            "");
  EXPECT_EQ(
      rules_of(service(k_application, {}, {}, {}, ", ports: [{name: serve, containerPort: 9000}]")),
      "ServePort");
  EXPECT_EQ(rules_of(service(other, {},
                             "  serveService: {spec: {ports: [{name: serve, port: 80, targetPort: "
                             "9000}]}}\n")),
            "");
}

TEST(RayService, keeps_the_serve_label_to_the_agent) {
  EXPECT_EQ(rules_of(with_cluster("      labels: {ray.io/serve: 'true'}\n")), "ServeLabel");
  EXPECT_EQ(rules_of(with_cluster(workers_of_service("      labels: {ray.io/serve: 'true'}\n"))),
            "ServeLabel");
  std::string text = with_cluster(workers_of_service(""));
  text.replace(text.rfind("{spec:"), 6, "{metadata: {labels: {ray.io/serve: x}}, spec:");
  EXPECT_EQ(rules_of(text), "ServeLabel");
}

// KubeRay's own checks (its validation of RayService).
TEST(RayService, is_checked_as_kuberay_does) {
  std::string named = service();
  named.replace(named.find("fruit"), 5, std::string(48, 'a'));
  EXPECT_EQ(rules_of(named), "ObjectName");
  for (const char* timeout : {"'0'", "'-1'", "'0s'", "soon", "'-5m'", "''"})
    EXPECT_EQ(rules_of(service(
                  k_application, {}, {},
                  std::string("  annotations: {ray.io/initializing-timeout: ") + timeout + "}\n")),
              "InitializingTimeout")
        << timeout;
  EXPECT_EQ(rules_of(with_cluster("    authOptions: {mode: token, enableK8sTokenAuth: true}\n"
                                  "    rayVersion: 2.60.0\n")),
            "RayVersionMismatch, AuthSettings");
  EXPECT_EQ(rules_of(with_cluster(workers_of_service("      replicas: -1\n"))), "ReplicaBounds");
  EXPECT_EQ(rules_of(with_cluster("      headService: {metadata: {name: x}}\n")),
            "ServiceHeadName");
  EXPECT_EQ(rules_of(with_fields("  upgradeStrategy: {type: Blue}\n")), "NotAllowedValue");
  EXPECT_EQ(rules_of(with_fields("  rayClusterDeletionDelaySeconds: -1\n")), "OutOfRange");
  EXPECT_EQ(rules_of(with_fields("  serveService: {metadata: {name: Entry_1}}\n")), "ObjectName");
}

TEST(RayService, accepts_a_timeout_of_initializing_without_effect) {
  const Declaration declaration = declared(
      service(k_application, {}, {}, "  annotations: {ray.io/initializing-timeout: 1m30s}\n"));
  ASSERT_EQ(declaration.warnings.size(), 1U);
  EXPECT_EQ(declaration.warnings[0].rule, "NotSupportedYet");
}

std::string blocked_by(const std::string& text) {
  const Declaration declaration = declared(text);
  return declaration.blocked ? declaration.blocked->rule + " " + declaration.blocked->found : "";
}

TEST(RayService, blocks_what_would_be_unsafe_to_ignore) {
  EXPECT_EQ(blocked_by(service(k_application, "    enableInTreeAutoscaling: true\n")), "");
  EXPECT_EQ(blocked_by(with_fields("  managedBy: kueue.x-k8s.io/multikueue\n")),
            "ManagedElsewhere spec.managedBy gives the object to another controller");
  EXPECT_EQ(blocked_by(with_fields("  managedBy: ray.io/kuberay-operator\n")), "");
  EXPECT_EQ(
      blocked_by(service(k_application, {}, {}, "  labels: {kueue.x-k8s.io/queue-name: q}\n")),
      "ManagedElsewhere metadata.labels.kueue.x-k8s.io/queue-name gives the object to "
      "another controller");
}

}  // namespace
}  // namespace ray_gitops::test
