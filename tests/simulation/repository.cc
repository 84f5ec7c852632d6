#include "tests/simulation/repository.h"

#include <algorithm>
#include <sstream>
#include <variant>

#include "reconcilers/declaration/parse.h"
#include "reconcilers/model/check.h"

namespace ray_gitops::simulation {
namespace {

std::string container(const char* name, int image, int revision) {
  return std::string("      spec:\n        containers:\n        - name: ") + name +
         "\n          image: rayproject/ray:2." + std::to_string(k_first_release + image) +
         ".0\n          env: [{name: REVISION, value: '" + std::to_string(revision) + "'}]\n";
}

std::string option(const char* field, std::int64_t value) {
  return value == 0 ? "" : std::string("  ") + field + ": " + std::to_string(value) + "\n";
}

// A pod template in one line.
std::string small_template(const char* name) {
  return std::string("{spec: {containers: [{name: ") + name +
         ", image: 'rayproject/ray:2.40.0'}]}}";
}

std::string render_job_cluster(const JobModel& job) {
  if (!job.selects.empty()) return "  clusterSelector: {ray.io/cluster: " + job.selects + "}\n";
  std::string text =
      "  rayClusterSpec:\n    rayVersion: 2.40.0\n    headGroupSpec:\n      rayStartParams: {}\n"
      "      template: " +
      small_template("ray-head") + "\n";
  if (job.workers == 0) return text;
  return text + "    workerGroupSpecs:\n    - groupName: small\n      replicas: " +
         std::to_string(job.workers) +
         "\n      minReplicas: 0\n      maxReplicas: 9\n      rayStartParams: {}\n      "
         "template: " +
         small_template("ray-worker") + "\n";
}

std::string render_job(const std::string& name, const JobModel& job) {
  std::string text = "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: " + name +
                     "\n  namespace: " + job.ns + "\n";
  if (job.again != 0)
    text += "  annotations: {ray-gitops.io/run: '" + std::to_string(job.again) + "'}\n";
  text += "spec:\n  entrypoint: " + render_work(job.work) + "\n" +
          option("backoffLimit", job.backoff_limit) +
          option("activeDeadlineSeconds", job.deadline) +
          option("ttlSecondsAfterFinished", job.ttl);
  if (job.shuts_down) text += "  shutdownAfterJobFinishes: true\n";
  if (job.suspend) text += "  suspend: true\n";
  return text + render_job_cluster(job);
}

// The members of a RayCluster's spec.
std::string render_shape(const ClusterShape& cluster) {
  std::string text = "  rayVersion: 2." + std::to_string(k_first_release + cluster.image) + ".0\n";
  if (cluster.asks_for_token) text += "  authOptions: {mode: token}\n";
  if (cluster.suspend) text += "  suspend: true\n";
  if (cluster.autoscales)
    text += "  enableInTreeAutoscaling: true\n  autoscalerOptions: {idleTimeoutSeconds: 10}\n";
  text += "  headGroupSpec:\n    rayStartParams: {num-cpus: '0'}\n";
  if (cluster.node_port) text += "    serviceType: NodePort\n";
  text += "    template:\n" + container("ray-head", cluster.image, cluster.head_revision);
  if (!cluster.groups.empty()) text += "  workerGroupSpecs:\n";
  for (const GroupModel& group : cluster.groups)
    text += "  - groupName: " + group.name + "\n    replicas: " + std::to_string(group.replicas) +
            "\n    minReplicas: " + std::to_string(group.least) +
            "\n    maxReplicas: " + std::to_string(group.most) +
            "\n    numOfHosts: " + std::to_string(group.hosts) +
            "\n    rayStartParams: {num-cpus: '1'}\n    template:\n" +
            container("ray-worker", cluster.image, group.revision);
  return text;
}

std::string render_cluster(const std::string& name, const ClusterModel& cluster) {
  return "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: " + name +
         "\n  namespace: " + cluster.ns + "\nspec:\n" + render_shape(cluster);
}

std::string indented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) result += "  " + line + "\n";
  return result;
}

std::string render_application(const char* name, const std::string& import_path, int revision) {
  return std::string("    - name: ") + name + "\n      route_prefix: /" + name +
         "\n      import_path: " + import_path +
         "\n      args: {revision: " + std::to_string(revision) + "}\n";
}

std::string render_service(const std::string& name, const ServiceModel& service) {
  std::string text = "apiVersion: ray.io/v1\nkind: RayService\nmetadata:\n  name: " + name +
                     "\n  namespace: " + service.ns +
                     "\nspec:\n  serveConfigV2: |\n    applications:\n" +
                     render_application("first", service.import_path, service.revision);
  if (service.has_second) text += render_application("second", k_fine_application, 0);
  if (service.suspend) text += "  suspend: true\n";
  if (service.excludes_head) text += "  excludeHeadPodFromServeSvc: true\n";
  if (!service.replaces_cluster) text += "  upgradeStrategy: {type: None}\n";
  return text + "  rayClusterDeletionDelaySeconds: " + std::to_string(service.deletion_delay) +
         "\n" + "  rayClusterConfig:\n" + indented(render_shape(service.cluster));
}

std::string render_team() {
  return std::string("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ") + k_team_ns +
         "\n---\n";
}

std::string render_settings(int revision) {
  return std::string("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ") + k_companion_name +
         "\n  namespace: " + k_team_ns + "\ndata:\n  revision: '" + std::to_string(revision) +
         "'\n";
}

std::string render_policy(int pods) {
  return "apiVersion: ray-gitops.io/v1\nkind: AutoscalerPolicy\nmetadata: {name: teams}\n"
         "spec: {tenants: [{name: all, clusters: {}, quota: {pods: " +
         std::to_string(pods) + "}}]}\n";
}

template <class Model>
void render_damaged(const std::string& name, const Model& model, const std::string& text,
                    Files& files) {
  switch (model.damage) {
    case Damage::None:
      files[model.path] = {text, ""};
      break;
    case Damage::Invalid:
      files[model.path] = {text + "  noSuchField: 1\n", ""};
      break;
    case Damage::Opaque:
      files[model.path] = {"kind: [Ray\n  }: " + text, ""};
      break;
    case Damage::Refused:
      files[model.path] = {"", "it is a symbolic link"};
      break;
    case Damage::Duplicate:
      files[model.path] = {text, ""};
      files["copies/" + name + ".yaml"] = {text, ""};
      break;
  }
}

// Nobody can tell what the file declares.
template <class Model>
bool is_opaque(const Model& model) {
  return model.damage == Damage::Opaque || model.damage == Damage::Refused;
}

template <class Model>
bool names_one(const std::map<std::string, Model>& models, const ObjectKey& key) {
  const auto found = models.find(key.name);
  return found != models.end() && found->second.ns == key.ns && !is_opaque(found->second);
}

Declaration parse_one(const std::string& text, const std::string& ns) {
  const ParsedFile file = parse_file({"one.yaml", text, ""}, ns);
  CHECK(file.documents.size() == 1 && file.documents[0].declaration);
  return *file.documents[0].declaration;
}

template <class Model>
bool any_opaque(const std::map<std::string, Model>& models) {
  return std::any_of(models.begin(), models.end(),
                     [](const auto& entry) { return is_opaque(entry.second); });
}

}  // namespace

GroupModel group_named(const std::string& name, std::int64_t replicas) {
  GroupModel group{.name = name, .replicas = replicas};
  if (name == "big") group.hosts = 2;
  return group;
}

bool Repository::has_opaque_file() const {
  return any_opaque(clusters) || any_opaque(jobs) || any_opaque(services);
}

bool Repository::names(const ObjectKey& key) const {
  if (key.kind == Kind::Namespace) return companions && !has_namespaces && key.name == k_team_ns;
  if (key.kind == Kind::ConfigMap) return companions && key.name == k_companion_name;
  if (key.kind == Kind::AutoscalerPolicy) return pods_quota > 0;
  if (key.kind == Kind::RayService) return names_one(services, key);
  return key.kind == Kind::RayJob ? names_one(jobs, key) : names_one(clusters, key);
}

ObjectKey key_of(const std::string& name, const ClusterModel& cluster) {
  return {Kind::RayCluster, cluster.ns, name};
}

ObjectKey key_of(const std::string& name, const JobModel& job) {
  return {Kind::RayJob, job.ns, name};
}

ObjectKey key_of(const std::string& name, const ServiceModel& service) {
  return {Kind::RayService, service.ns, name};
}

std::string run_hash_of(const std::string& name, const JobModel& job) {
  return std::get<RayJobSpec>(parse_one(render_job(name, job), job.ns).spec).run_hash;
}

Declaration declaration_of(const std::string& name, const ServiceModel& service) {
  return parse_one(render_service(name, service), service.ns);
}

Files render_files(const Repository& repository) {
  Files files;
  for (const auto& [name, cluster] : repository.clusters)
    render_damaged(name, cluster, render_cluster(name, cluster), files);
  for (const auto& [name, job] : repository.jobs)
    render_damaged(name, job, render_job(name, job), files);
  for (const auto& [name, service] : repository.services)
    render_damaged(name, service, render_service(name, service), files);
  if (repository.pods_quota > 0) files[k_policy_path] = {render_policy(repository.pods_quota), ""};
  if (repository.companions)
    files["companions.yaml"] = {(repository.has_namespaces ? "" : render_team()) +
                                    render_settings(repository.companion_revision),
                                ""};
  return files;
}

}  // namespace ray_gitops::simulation
