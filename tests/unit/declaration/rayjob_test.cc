#include <chrono>

#include <nlohmann/json.hpp>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

// The cluster of `job`, in which `more` is added to rayClusterSpec.
std::string own_cluster(const std::string& more = {}) {
  return "  rayClusterSpec:\n"
         "    headGroupSpec:\n"
         "      template: {spec: {containers: [{name: head, image: 'rayproject/ray:2.9.0'}]}}\n" +
         more;
}

std::string worker_group(const std::string& fields) {
  return "    workerGroupSpecs:\n"
         "    - template: {spec: {containers: [{name: w, image: 'rayproject/ray:2.9.0'}]}}\n"
         "      groupName: a\n" +
         fields;
}

// A RayJob called train; `fields` are of its spec, `metadata` of its metadata.
std::string job(const std::string& fields, const std::string& metadata = {}) {
  return "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: train\n" + metadata + "spec:\n" +
         fields;
}

const std::string k_entrypoint = "  entrypoint: python main.py\n";

Declaration declared(const std::string& text) {
  const ParsedFile file = parse(text);
  const auto& declaration = file.documents.at(0).declaration;
  EXPECT_TRUE(declaration.has_value()) << text << listed(file.diagnostics);
  return declaration.value_or(Declaration{});
}

RayJobSpec spec_of_job(const std::string& text) {
  const Declaration declaration = declared(text);
  EXPECT_FALSE(declaration.blocked.has_value()) << text;
  return std::get<RayJobSpec>(declaration.spec);
}

std::string run_hash(const std::string& text) { return spec_of_job(text).run_hash; }

std::string rules_of(const std::string& fields) {
  std::string rules;
  for (const Diagnostic& diagnostic : parse(job(fields)).diagnostics)
    rules += (rules.empty() ? "" : ", ") + diagnostic.rule;
  return rules;
}

std::string blocked_by(const std::string& fields) {
  const Declaration declaration = declared(job(k_entrypoint + fields));
  return declaration.blocked ? declaration.blocked->rule + " " + declaration.blocked->found : "";
}

TEST(RayJob, has_the_defaults_of_kuberay) {
  const RayJobSpec spec = spec_of_job(job(k_entrypoint + own_cluster()));
  EXPECT_EQ(spec.entrypoint, "python main.py");
  EXPECT_TRUE(spec.runtime_env.is_null());
  EXPECT_TRUE(spec.metadata.empty());
  EXPECT_EQ(spec.job_id, "");
  EXPECT_EQ(spec.entrypoint_num_cpus, std::nullopt);
  EXPECT_TRUE(spec.entrypoint_resources.is_null());
  EXPECT_EQ(spec.cluster_selector, "");
  EXPECT_EQ(spec.backoff_limit, 0);
  EXPECT_EQ(spec.active_deadline, std::nullopt);
  EXPECT_EQ(spec.pre_running_deadline, std::nullopt);
  EXPECT_FALSE(spec.shutdown_after_finish);
  EXPECT_EQ(spec.ttl_after_finish, Duration{0});
  EXPECT_FALSE(spec.suspend);
}

TEST(RayJob, carries_what_is_written) {
  using std::chrono::seconds;
  const RayJobSpec spec = spec_of_job(
      job(k_entrypoint +
          "  runtimeEnvYAML: \"pip: [numpy]\\nenv_vars: {A: '1'}\"\n  metadata: {owner: me}\n"
          "  jobId: train-1\n  submissionMode: K8sJobMode\n  entrypointNumCpus: 0.5\n"
          "  entrypointNumGpus: 0\n  entrypointResources: '{\"special\": 1}'\n  backoffLimit: 2\n"
          "  activeDeadlineSeconds: 60\n  preRunningDeadlineSeconds: 5\n"
          "  shutdownAfterJobFinishes: true\n  ttlSecondsAfterFinished: 7\n  suspend: true\n" +
          own_cluster()));
  EXPECT_EQ(spec.runtime_env.json(), Json::parse(R"({"pip":["numpy"],"env_vars":{"A":"1"}})"));
  EXPECT_EQ(spec.metadata.at("owner"), "me");
  EXPECT_EQ(spec.job_id, "train-1");
  EXPECT_EQ(spec.entrypoint_num_cpus, 0.5);
  EXPECT_EQ(spec.entrypoint_num_gpus, std::nullopt);
  EXPECT_EQ(spec.entrypoint_resources.json(), Json::parse(R"({"special":1})"));
  EXPECT_EQ(spec.backoff_limit, 2);
  EXPECT_EQ(spec.active_deadline, Duration{seconds{60}});
  EXPECT_EQ(spec.pre_running_deadline, Duration{seconds{5}});
  EXPECT_TRUE(spec.shutdown_after_finish);
  EXPECT_EQ(spec.ttl_after_finish, Duration{seconds{7}});
  EXPECT_TRUE(spec.suspend);
}

TEST(RayJob, selects_a_cluster_rather_than_making_one) {
  const std::string selects = k_entrypoint + "  clusterSelector: {ray.io/cluster: shared, a: b}\n";
  const RayJobSpec spec = spec_of_job(job(selects + own_cluster()));
  EXPECT_EQ(spec.cluster_selector, "shared");
  EXPECT_TRUE(spec.cluster.is_null());
  EXPECT_EQ(spec.run_hash, run_hash(job(selects)));
  EXPECT_EQ(rules_of(selects + own_cluster()), "JobCluster");
  EXPECT_EQ(rules_of(selects), "");
}

// What the engine does with the anchor of a job's cluster.
Declaration child_of(const RayJobSpec& spec, const std::string& name) {
  Json document = spec.cluster.json();
  document["metadata"]["name"] = name;
  const Result<Declaration> child = parse_document(Document(document), {"", "job.yaml", 1});
  EXPECT_TRUE(child.has_value()) << (child ? "" : describe(child.error()));
  return child.value_or(Declaration{});
}

TEST(RayJob, has_a_cluster_that_is_a_document_of_its_own_once_it_is_named) {
  const Declaration child = child_of(
      spec_of_job(job(
          k_entrypoint + own_cluster("    suspend: false\n" + worker_group("      replicas: 2\n")),
          "  labels: {team: a, ray-gitops.io/agent: x}\n"
          "  annotations: {note: text, ray-gitops.io/run: '2', ray-gitops.io/commit: x,\n"
          "                ray.io/overwrite-container-cmd: 'true'}\n")),
      "train-0a1b2");
  EXPECT_EQ(child.key, (ObjectKey{Kind::RayCluster, "team", "train-0a1b2"}));
  EXPECT_FALSE(child.blocked.has_value());
  EXPECT_TRUE(child.warnings.empty());
  const auto& spec = std::get<RayClusterSpec>(child.spec);
  EXPECT_TRUE(spec.overwrite_container_command);
  EXPECT_EQ(spec.workers.at(0).replicas, 2);
  const Json& metadata = child.document.json().at("metadata");
  EXPECT_EQ(metadata.at("labels"), Json::parse(R"({"team":"a"})"));
  EXPECT_EQ(metadata.at("annotations"),
            Json::parse(R"({"note":"text","ray.io/overwrite-container-cmd":"true"})"));
}

TEST(RayJob, has_a_cluster_that_no_label_or_long_name_of_the_job_blocks) {
  const std::string longest(47, 'j');
  std::string text = job(k_entrypoint + own_cluster(),
                         "  labels: {ray.io/gang-scheduling-enabled: 'true',\n"
                         "           volcano.sh/queue-name: q, ray.io/cluster: other}\n"
                         "  annotations: {ray.io/initializing-timeout: 5m}\n");
  text.replace(text.find("train"), 5, longest);
  const Declaration child = child_of(spec_of_job(text), longest + "-0a1b2");
  EXPECT_FALSE(child.blocked.has_value());
}

TEST(RayJob, reads_what_its_anchor_keeps_to_the_same_run) {
  const Declaration first = declared(job(k_entrypoint + own_cluster()));
  const Result<Declaration> second = parse_document(first.document, {"", "job.yaml", 1});
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(std::get<RayJobSpec>(second->spec).run_hash, std::get<RayJobSpec>(first.spec).run_hash);
  EXPECT_EQ(std::get<RayJobSpec>(second->spec).cluster, std::get<RayJobSpec>(first.spec).cluster);
}

TEST(RunHash, is_another_for_whatever_changes_what_is_run) {
  const std::string plain = run_hash(job(k_entrypoint + own_cluster()));
  EXPECT_NE(run_hash(job("  entrypoint: python other.py\n" + own_cluster())), plain);
  for (const char* field : {"  runtimeEnvYAML: 'pip: [numpy]'\n", "  metadata: {a: b}\n",
                            "  jobId: x\n", "  entrypointNumCpus: 1\n", "  entrypointNumGpus: 1\n",
                            "  entrypointResources: '{\"a\": 1}'\n"})
    EXPECT_NE(run_hash(job(k_entrypoint + field + own_cluster())), plain) << field;
  EXPECT_NE(run_hash(job(k_entrypoint + "  clusterSelector: {ray.io/cluster: c}\n")), plain);
  EXPECT_NE(
      run_hash(job(k_entrypoint + own_cluster(), "  annotations: {ray-gitops.io/run: again}\n")),
      plain);
}

TEST(RunHash, is_the_same_for_what_only_says_when_and_how_long) {
  const std::string plain = run_hash(job(k_entrypoint + own_cluster()));
  for (const char* field :
       {"  backoffLimit: 3\n", "  activeDeadlineSeconds: 3\n", "  preRunningDeadlineSeconds: 3\n",
        "  shutdownAfterJobFinishes: true\n", "  shutdownAfterJobFinishes: true\n  suspend: true\n",
        "  shutdownAfterJobFinishes: true\n  ttlSecondsAfterFinished: 3\n",
        "  submissionMode: HTTPMode\n", "  managedBy: ray.io/kuberay-operator\n"})
    EXPECT_EQ(run_hash(job(k_entrypoint + field + own_cluster())), plain) << field;
  EXPECT_EQ(run_hash(job(k_entrypoint + own_cluster(),
                         "  namespace: other\n  labels: {a: b}\n  annotations: {note: x}\n")),
            plain);
}

TEST(RunHash, leaves_out_what_scales_the_cluster_ends_it_or_leads_to_it) {
  const std::string plain = run_hash(job(k_entrypoint + own_cluster()));
  for (const char* field :
       {"    suspend: true\n", "    enableInTreeAutoscaling: false\n",
        "    autoscalerOptions: {idleTimeoutSeconds: 5}\n", "    historyServerOptions: {}\n",
        "    headServiceAnnotations: {a: b}\n", "    managedBy: ray.io/kuberay-operator\n",
        "      serviceType: NodePort\n", "      headService: {metadata: {labels: {a: b}}}\n",
        "      enableIngress: true\n", "    workerGroupSpecs: []\n"})
    EXPECT_EQ(run_hash(job(k_entrypoint + own_cluster(field))), plain) << field;
  const auto with_group = [](const std::string& fields) {
    return run_hash(job(k_entrypoint + own_cluster(worker_group(fields))));
  };
  EXPECT_NE(with_group(""), plain);
  for (const char* field : {"      replicas: 3\n", "      minReplicas: 1\n",
                            "      maxReplicas: 9\n", "      suspend: true\n",
                            "      scaleStrategy: {workersToDelete: [x]}\n", "      priority: 0\n"})
    EXPECT_EQ(with_group(field), with_group("")) << field;
}

// An edit takes effect at once unless it is another run: pods must not restart under a job.
TEST(RunHash, is_another_for_whatever_restarts_pods) {
  const std::string before = job(k_entrypoint + own_cluster(worker_group("")));
  const auto worker_hash = [](const std::string& text) {
    const Declaration child = child_of(spec_of_job(text), "child");
    return std::get<RayClusterSpec>(child.spec).workers.at(0).template_hash;
  };
  for (const std::string& after :
       {job(k_entrypoint + own_cluster(worker_group("      labels: {a: b}\n"))),
        job(k_entrypoint + own_cluster(worker_group("      resources: {CPU: '1'}\n"))),
        job(k_entrypoint + own_cluster(worker_group("      rayStartParams: {num-cpus: '1'}\n"))),
        job(k_entrypoint + own_cluster(worker_group("      numOfHosts: 1\n"))),
        job(k_entrypoint + own_cluster(worker_group("    rayVersion: 2.9.0\n"))),
        job(k_entrypoint + own_cluster(worker_group("")),
            "  annotations: {ray.io/overwrite-container-cmd: 'true'}\n")}) {
    EXPECT_NE(worker_hash(after), worker_hash(before)) << after;
    EXPECT_NE(run_hash(after), run_hash(before)) << after;
  }
}

TEST(RunHash, does_not_depend_on_the_order_of_groups) {
  const auto groups = [](const std::string& first, const std::string& second) {
    std::string text = "    workerGroupSpecs:\n";
    for (const std::string& name : {first, second})
      text += "    - groupName: " + name +
              "\n      template: {spec: {containers: [{name: w, image: 'ray:2.9.0'}]}}\n";
    return run_hash(job(k_entrypoint + own_cluster(text)));
  };
  EXPECT_EQ(groups("a", "b"), groups("b", "a"));
  EXPECT_NE(groups("a", "b"), groups("a", "c"));
}

TEST(RayJob, needs_an_entrypoint) {
  EXPECT_EQ(rules_of(own_cluster()), "JobEntrypoint");
  EXPECT_EQ(rules_of("  entrypoint: ''\n" + own_cluster()), "JobEntrypoint");
  EXPECT_EQ(rules_of("  entrypoint: \" \\t\\n\"\n" + own_cluster()), "JobEntrypoint");
}

TEST(RayJob, has_an_id_that_ray_can_name_a_file_by) {
  const auto rules = [](const std::string& id) {
    return rules_of(k_entrypoint + "  jobId: '" + id + "'\n" + own_cluster());
  };
  for (const std::string& id : {std::string(128, 'x'), std::string("A.b_c-1"), std::string()})
    EXPECT_EQ(rules(id), "") << id;
  for (const std::string& id : {std::string(129, 'x'), std::string("a/b"), std::string(".x"),
                                std::string("a b"), std::string("..")})
    EXPECT_EQ(rules(id), "JobId") << id;
}

TEST(RayJob, keeps_the_agents_metadata_keys_to_the_agent) {
  EXPECT_EQ(rules_of(k_entrypoint + "  metadata: {ray-gitops.io/run: x}\n" + own_cluster()),
            "JobMetadata");
  EXPECT_EQ(rules_of(k_entrypoint + "  metadata: {run: x}\n" + own_cluster()), "");
}

TEST(RayJob, refuses_paths_in_its_runtime_environment) {
  const auto rules = [](const std::string& yaml) {
    return rules_of(k_entrypoint + "  runtimeEnvYAML: |\n    " + yaml + "\n" + own_cluster());
  };
  EXPECT_EQ(rules("working_dir: ./"), "JobRuntimeEnvironment");
  EXPECT_EQ(rules("working_dir: /srv/code"), "JobRuntimeEnvironment");
  EXPECT_EQ(rules("py_modules: ['s3://a/b.zip', lib]"), "JobRuntimeEnvironment");
  EXPECT_EQ(rules("working_dir: local:///srv/code"), "");
  EXPECT_EQ(rules("{working_dir: 'https://h/a.zip', py_modules: ['gs://a/b.zip']}"), "");
  EXPECT_EQ(rules("- not a mapping"), "JobRuntimeEnvironment");
  EXPECT_EQ(rules("a: [1"), "JobRuntimeEnvironment");
}

TEST(RayJob, never_prints_its_runtime_environment) {
  const ParsedFile file = parse(job(k_entrypoint +
                                    "  runtimeEnvYAML: \"working_dir: hunter2\\nenv_vars: {A: "
                                    "hunter2}\"\n" +
                                    own_cluster()));
  EXPECT_EQ(file.diagnostics.size(), 1U);
  EXPECT_EQ(listed(file.diagnostics).find("hunter2"), std::string::npos);
}

TEST(RayJob, has_numbers_in_their_ranges) {
  for (const char* field :
       {"  backoffLimit: -1\n", "  activeDeadlineSeconds: 0\n", "  preRunningDeadlineSeconds: 0\n",
        "  shutdownAfterJobFinishes: true\n  ttlSecondsAfterFinished: -1\n",
        "  activeDeadlineSeconds: 315360001\n", "  entrypointNumCpus: -1\n"})
    EXPECT_EQ(rules_of(k_entrypoint + field + own_cluster()), "OutOfRange") << field;
}

TEST(RayJob, selects_by_a_name_that_a_cluster_can_have) {
  for (const char* selector : {"{}", "{other: x}", "{ray.io/cluster: ''}", "{ray.io/cluster: A_b}"})
    EXPECT_EQ(rules_of(k_entrypoint + "  clusterSelector: " + selector + "\n"), "JobCluster")
        << selector;
}

TEST(RayJob, blocks_what_would_be_unsafe_to_ignore) {
  EXPECT_EQ(blocked_by("  submissionMode: InteractiveMode\n" + own_cluster()),
            "NotSupportedYet spec.submissionMode is not supported yet");
  EXPECT_EQ(blocked_by("  submissionMode: SidecarMode\n" + own_cluster()),
            "NotSupportedYet spec.submissionMode is not supported yet");
  EXPECT_EQ(blocked_by("  submissionMode: K8sJobMode\n" + own_cluster()), "");
  EXPECT_EQ(blocked_by("  submissionMode: HTTPMode\n" + own_cluster()), "");
  EXPECT_EQ(rules_of(k_entrypoint + "  submissionMode: Magic\n" + own_cluster()),
            "NotAllowedValue");
  EXPECT_EQ(blocked_by("  managedBy: ray.io/kuberay-operator\n" + own_cluster()), "");
  EXPECT_EQ(blocked_by("  managedBy: kueue.x-k8s.io/multikueue\n" + own_cluster()),
            "ManagedElsewhere spec.managedBy gives the object to another controller");
  EXPECT_EQ(blocked_by("  deletionStrategy: {onSuccess: {policy: DeleteSelf}, onFailure: {policy: "
                       "DeleteSelf}}\n" +
                       own_cluster()),
            "NotSupportedYet spec.deletionStrategy is not supported yet");
  EXPECT_EQ(blocked_by(own_cluster("    enableInTreeAutoscaling: true\n")), "");
}

TEST(RayJob, warns_that_no_pod_submits_it) {
  const Declaration declaration =
      declared(job(k_entrypoint +
                   "  submitterConfig: {backoffLimit: 1}\n"
                   "  submitterPodTemplate: {spec: {containers: [{name: s, image: i}]}}\n" +
                   own_cluster()));
  EXPECT_FALSE(declaration.blocked.has_value());
  ASSERT_EQ(declaration.warnings.size(), 2U);
  EXPECT_EQ(declaration.warnings[0].write,
            "leave it out; no pod is made to submit, the agent does it");
}

TEST(RayJob, that_a_queue_must_admit_is_blocked) {
  const Declaration declaration =
      declared(job(k_entrypoint + own_cluster(), "  labels: {kueue.x-k8s.io/queue-name: q}\n"));
  ASSERT_TRUE(declaration.blocked.has_value());
  EXPECT_EQ(declaration.blocked->rule, "ManagedElsewhere");
}

}  // namespace
}  // namespace ray_gitops::test
