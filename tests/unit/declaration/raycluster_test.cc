#include <nlohmann/json.hpp>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

std::string rules_of(const std::string& text) { return places(parse(text).diagnostics); }

TEST(RayCluster, has_the_defaults_of_kuberay) {
  const ParsedFile file = parse(cluster(workers("    groupName: small\n")));
  ASSERT_EQ(listed(file.diagnostics), "");
  const RayClusterSpec& spec = spec_of(file);
  EXPECT_EQ(spec.head.name, "headgroup");
  EXPECT_EQ(spec.head.replicas, 1);
  EXPECT_EQ(spec.workers.at(0).name, "small");
  EXPECT_EQ(spec.workers.at(0).min_replicas, 0);
  EXPECT_EQ(spec.workers.at(0).max_replicas, 2147483647);
  EXPECT_EQ(spec.workers.at(0).replicas, 0);
  EXPECT_FALSE(spec.suspend);
  EXPECT_EQ(spec.service_type, "");
}

TEST(RayCluster, clamps_replicas_to_their_bounds) {
  const auto replicas = [](const std::string& fields) {
    const ParsedFile file = parse(cluster(workers("    groupName: small\n" + fields)));
    EXPECT_EQ(listed(file.diagnostics), "");
    return spec_of(file).workers.at(0).replicas;
  };
  EXPECT_EQ(replicas("    minReplicas: 2\n"), 2);
  EXPECT_EQ(replicas("    replicas: 1\n    minReplicas: 2\n"), 2);
  EXPECT_EQ(replicas("    replicas: 9\n    maxReplicas: 3\n"), 3);
  EXPECT_EQ(replicas("    replicas: 4\n    minReplicas: 1\n    maxReplicas: 5\n"), 4);
}

TEST(RayCluster, carries_what_its_pods_are_made_from) {
  const std::string text =
      "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: demo\n"
      "  annotations: {ray.io/overwrite-container-cmd: 'True'}\nspec:\n  rayVersion: 2.9.0\n"
      "  suspend: true\n  headServiceAnnotations: {a: b}\n" +
      k_head + "    rayStartParams: {num-cpus: '0'}\n    resources: {CPU: '4'}\n" +
      workers("    groupName: small\n    suspend: true\n    labels: {zone: a}\n");
  ParsedFile file = parse(text);
  EXPECT_EQ(places(file.diagnostics), "16:32 RayResourcesTwice");
  std::string correct = text;
  correct.replace(correct.find("    resources: {CPU: '4'}\n"), 26, "    serviceType: NodePort\n");
  file = parse(correct);
  ASSERT_EQ(listed(file.diagnostics), "");
  const RayClusterSpec& spec = spec_of(file);
  EXPECT_TRUE(spec.overwrite_container_command);
  EXPECT_TRUE(spec.suspend);
  EXPECT_EQ(spec.ray_version, "2.9.0");
  EXPECT_EQ(spec.service_type, "NodePort");
  EXPECT_EQ(spec.head.ray_start_params.at("num-cpus"), "0");
  EXPECT_EQ(spec.head_service_annotations.at("a"), "b");
  EXPECT_TRUE(spec.workers.at(0).suspend);
  EXPECT_EQ(spec.workers.at(0).labels.at("zone"), "a");
  EXPECT_EQ(spec.workers.at(0).pod_template.json()["spec"]["containers"][0]["name"], "ray-worker");
}

TEST(RayCluster, refuses_group_names_that_kuberay_lets_through) {
  EXPECT_EQ(rules_of(cluster(workers("    groupName: ''\n"))), "17:16 GroupName");
  EXPECT_EQ(rules_of(cluster(workers("    groupName: headgroup\n"))), "17:16 GroupName");
  EXPECT_EQ(rules_of(cluster(workers("    groupName: Big_GPU\n"))), "17:16 GroupName");
  const std::string group = workers("    groupName: a\n");
  const std::string second = group.substr(group.find('\n') + 1);
  EXPECT_EQ(rules_of(cluster(group + second)), "22:16 DuplicateGroup");
}

TEST(RayCluster, refuses_counts_that_make_no_sense) {
  const auto rules = [](const std::string& fields) {
    return rules_of(cluster(workers("    groupName: a\n" + fields)));
  };
  EXPECT_EQ(rules("    replicas: -1\n"), "18:15 ReplicaBounds");
  EXPECT_EQ(rules("    minReplicas: 3\n    maxReplicas: 2\n"), "18:18 ReplicaBounds");
  EXPECT_EQ(rules("    numOfHosts: 0\n"), "18:17 HostsPerReplica");
  EXPECT_EQ(rules("    numOfHosts: 4097\n"), "18:17 HostsPerReplica");
  EXPECT_EQ(rules("    replicas: 20001\n"), "12:3 ReplicasTooMany");
  EXPECT_EQ(rules("    replicas: 101\n    numOfHosts: 200\n"), "12:3 ReplicasTooMany");
  EXPECT_EQ(rules("    replicas: 20000\n"), "");
  EXPECT_EQ(rules("    replicas: 2147483648\n"), "18:15 OutOfRange");
  EXPECT_EQ(rules("    replicas: 1.5\n"), "18:15 WrongType");
  EXPECT_EQ(rules("    replicas: 3.0\n"), "");
  EXPECT_EQ(rules("    replicas: '3'\n"), "18:15 WrongType");
  EXPECT_EQ(rules("    idleTimeoutSeconds: 3600000000\n"), "18:25 OutOfRange");
  EXPECT_EQ(rules("    idleTimeoutSeconds: 1000000h\n"), "18:25 WrongType");
}

TEST(RayCluster, blocks_what_would_be_unsafe_to_ignore) {
  const auto blocked = [](const std::string& more) {
    const ParsedFile file = parse(cluster(more));
    const auto& declaration = file.documents.at(0).declaration;
    if (!declaration) return "invalid: " + listed(file.diagnostics);
    return declaration->blocked ? declaration->blocked->rule + " " + declaration->blocked->found
                                : std::string();
  };
  EXPECT_EQ(blocked("  enableInTreeAutoscaling: true\n"), "");
  EXPECT_EQ(blocked("  gcsFaultToleranceOptions: {redisAddress: 'r:6379'}\n"),
            "NotSupportedYet spec.gcsFaultToleranceOptions is not supported yet");
  EXPECT_EQ(blocked("  rayVersion: 2.55.0\n"
                    "  authOptions: {mode: token, enableK8sTokenAuth: true}\n"),
            "NotSupportedYet spec.authOptions.enableK8sTokenAuth is not supported yet");
  EXPECT_EQ(blocked("  tlsOptions: {enabled: true}\n"),
            "NotSupportedYet spec.tlsOptions.enabled is not supported yet");
  EXPECT_EQ(blocked("  tlsOptions: {enabled: false}\n"), "");
  EXPECT_EQ(blocked("  networkPolicy: {}\n"),
            "NotSupportedYet spec.networkPolicy is not supported yet");
  EXPECT_EQ(blocked(workers("    groupName: a\n    numOfHosts: 2\n")), "");
  EXPECT_EQ(blocked(workers("    groupName: a\n    numOfHosts: 1\n")), "");
  EXPECT_EQ(blocked("  managedBy: ray.io/kuberay-operator\n"), "");
  EXPECT_EQ(blocked("  managedBy: kueue.x-k8s.io/multikueue\n"),
            "ManagedElsewhere spec.managedBy gives the object to another controller");
}

TEST(RayCluster, blocks_the_annotation_that_switches_fault_tolerance_on) {
  const auto annotated = [](const std::string& value) {
    std::string text = cluster();
    text.replace(text.find("spec:\n"), 0, "  annotations: {ray.io/ft-enabled: '" + value + "'}\n");
    return parse(text).documents.at(0).declaration.value().blocked.has_value();
  };
  EXPECT_TRUE(annotated("true"));
  EXPECT_FALSE(annotated("false"));
}

TEST(RayCluster, warns_of_fields_without_effect_at_their_keys) {
  const ParsedFile file = parse(cluster(
      "    enableIngress: true\n  upgradeStrategy: {type: Recreate}\nstatus: {state: ready}\n"));
  EXPECT_EQ(places(file.diagnostics),
            "12:5 NotSupportedYet, 13:3 NotSupportedYet, 14:1 NotSupportedYet");
  const Declaration& declaration = file.documents.at(0).declaration.value();
  EXPECT_FALSE(declaration.blocked.has_value());
  EXPECT_EQ(declaration.warnings.size(), 3U);
}

TEST(RayCluster, warns_of_an_image_of_another_ray_version) {
  EXPECT_EQ(rules_of(cluster("  rayVersion: 2.52.0\n")), "11:11 RayVersionMismatch");
  EXPECT_EQ(rules_of(cluster("  rayVersion: 2.9.0\n")), "");
}

TEST(RayCluster, refuses_older_ways_to_fault_tolerance) {
  EXPECT_EQ(rules_of(cluster("          env: [{name: RAY_REDIS_ADDRESS, value: x}]\n")),
            "12:11 FaultToleranceImplied");
  EXPECT_EQ(rules_of(cluster("    rayStartParams: {redis-username: me}\n")),
            "12:38 FaultToleranceImplied");
  EXPECT_EQ(rules_of(cluster("    rayStartParams: {redis-password: x}\n"
                             "  gcsFaultToleranceOptions: {}\n")),
            "12:38 FaultToleranceTwice");
  EXPECT_EQ(rules_of(cluster("  gcsFaultToleranceOptions:\n    backend: rocksdb\n"
                             "    redisAddress: x\n    storage: {claimName: c, size: 1Gi}\n")),
            "14:19 FaultToleranceSettings, 15:35 FaultToleranceSettings");
}

TEST(RayCluster, says_how_it_scales) {
  const RayClusterSpec fixed = spec_of(parse(cluster(workers("    groupName: a\n"))));
  EXPECT_FALSE(fixed.autoscaling);
  EXPECT_EQ(fixed.upscaling, UpscalingMode::Default);
  EXPECT_EQ(fixed.idle_timeout, std::chrono::seconds(60));

  const RayClusterSpec spec = spec_of(
      parse(cluster(workers("    groupName: a\n    idleTimeoutSeconds: 5\n    priority: 7\n") +
                    "  rayVersion: 2.56.0\n  enableInTreeAutoscaling: true\n"
                    "  autoscalerOptions: {version: v2, idleTimeoutSeconds: 30, "
                    "upscalingMode: Conservative}\n")));
  EXPECT_TRUE(spec.autoscaling);
  EXPECT_EQ(spec.upscaling, UpscalingMode::Conservative);
  EXPECT_EQ(spec.idle_timeout, std::chrono::seconds(30));
  EXPECT_EQ(spec.workers.at(0).idle_timeout, Duration(std::chrono::seconds(5)));
  EXPECT_EQ(spec.workers.at(0).priority, 7);
}

TEST(RayCluster, refuses_settings_of_the_autoscaler_that_contradict_each_other) {
  EXPECT_EQ(rules_of(cluster("          env: [{name: RAY_enable_autoscaler_v2, value: '1'}]\n")),
            "12:11 AutoscalerSettings");
  EXPECT_EQ(rules_of(cluster(workers("    groupName: a\n    idleTimeoutSeconds: 5\n"))),
            "18:25 AutoscalerVersionNeeded");
  EXPECT_EQ(rules_of(cluster(workers("    groupName: a\n    suspend: true\n") +
                             "  enableInTreeAutoscaling: true\n")),
            "18:14 AutoscalerSettings");
}

TEST(RayCluster, refuses_authentication_with_a_ray_that_has_none) {
  EXPECT_EQ(rules_of(cluster("  rayVersion: 2.9.0\n  authOptions: {mode: token}\n")),
            "13:23 RayVersionNeeded");
}

TEST(RayCluster, says_whether_it_asks_for_a_token) {
  const auto spec_with = [](const std::string& options) {
    return spec_of(parse(cluster("  rayVersion: 2.52.0\n  authOptions: " + options + "\n")));
  };
  EXPECT_FALSE(spec_of(parse(cluster())).token_auth);
  EXPECT_FALSE(spec_with("{mode: disabled}").token_auth);
  EXPECT_TRUE(spec_with("{mode: token}").token_auth);
  EXPECT_EQ(spec_with("{mode: token}").token_secret, "");
  EXPECT_EQ(spec_with("{mode: token, secretName: mine}").token_secret, "mine");
}

TEST(RayCluster, refuses_authentication_that_says_two_things_or_none) {
  const auto rules_with = [](const std::string& options) {
    return rules_of(cluster("  rayVersion: 2.52.0\n  authOptions: " + options + "\n"));
  };
  const std::string mismatch = "11:11 RayVersionMismatch";
  EXPECT_EQ(rules_with("{mode: token, secretName: mine}"), mismatch);
  EXPECT_EQ(rules_with("{}"), mismatch + ", 13:16 AuthSettings");
  EXPECT_EQ(rules_with("{mode: disabled, secretName: mine}"), mismatch + ", 13:45 AuthSettings");
  EXPECT_EQ(rules_with("{mode: token, secretName: '../x'}"), mismatch + ", 13:42 AuthSettings");
  EXPECT_EQ(rules_with("{mode: Token}"), "13:23 NotAllowedValue");
}

TEST(RayCluster, refuses_variables_that_its_authentication_sets) {
  const std::string set = "          env: [{name: RAY_AUTH_TOKEN, value: x}]\n";
  EXPECT_EQ(rules_of(cluster(set)), "");
  EXPECT_EQ(rules_of(cluster(set + "  rayVersion: 2.52.0\n  authOptions: {mode: token}\n")),
            "11:11 RayVersionMismatch, 12:11 AuthSettings");
  EXPECT_EQ(rules_of(cluster(set + "  rayVersion: 2.52.0\n  authOptions: {mode: disabled}\n")),
            "11:11 RayVersionMismatch");
}

TEST(Hashes, of_groups_follow_where_the_token_is) {
  const auto hash = [](const std::string& options) {
    return spec_of(parse(cluster("  rayVersion: 2.52.0\n" + options))).head.template_hash;
  };
  const std::string plain = hash("");
  const std::string made = hash("  authOptions: {mode: token}\n");
  EXPECT_EQ(hash("  authOptions: {mode: disabled}\n"), plain);
  EXPECT_NE(made, plain);
  EXPECT_NE(hash("  authOptions: {mode: token, secretName: mine}\n"), made);
}

TEST(Hashes, of_a_group_follow_what_reaches_its_pods_only) {
  const auto hash = [](const std::string& fields) {
    return spec_of(parse(cluster(workers("    groupName: a\n" + fields))))
        .workers.at(0)
        .template_hash;
  };
  const std::string plain = hash("");
  EXPECT_EQ(hash("    replicas: 3\n    minReplicas: 1\n    maxReplicas: 9\n"), plain);
  EXPECT_EQ(hash("    suspend: true\n"), plain);
  EXPECT_EQ(hash("    scaleStrategy: {workersToDelete: [x]}\n"), plain);
  EXPECT_NE(hash("    labels: {a: b}\n"), plain);
  EXPECT_NE(hash("    resources: {CPU: '1'}\n"), plain);
  EXPECT_NE(hash("    rayStartParams: {num-cpus: '1'}\n"), plain);
  EXPECT_NE(hash("  rayVersion: 2.9.0\n"), plain);
}

TEST(Hashes, of_the_document_leave_out_namespace_and_status_only) {
  const auto hash = [](const std::string& metadata, const std::string& more) {
    std::string text = cluster(more);
    text.replace(text.find("spec:\n"), 0, metadata);
    return parse(text).documents.at(0).declaration.value().spec_hash;
  };
  const std::string plain = hash("", "");
  EXPECT_EQ(hash("  namespace: other\n", ""), plain);
  EXPECT_EQ(hash("", "status: {}\n"), plain);
  EXPECT_NE(hash("  labels: {a: b}\n", ""), plain);
  EXPECT_NE(hash("", "  suspend: false\n"), plain);
}

TEST(Hashes, see_numbers_by_value_and_strings_by_text) {
  const auto hash = [](const std::string& cpu) {
    return spec_of(parse(cluster("          resources: {limits: {cpu: " + cpu + "}}\n")))
        .head.template_hash;
  };
  EXPECT_EQ(hash("1"), hash("1.0"));
  EXPECT_EQ(hash("0.5"), hash(".50"));
  EXPECT_NE(hash("1"), hash("'1'"));
}

}  // namespace
}  // namespace ray_gitops::test
