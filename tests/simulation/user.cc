#include "tests/simulation/user.h"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/model/check.h"
#include "tests/simulation/kubelet.h"

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t k_clusters_max = 6;
constexpr Duration k_release_every = seconds(40);

ClusterModel new_cluster(const std::string& name, Random& random, const Repository& repository) {
  ClusterModel cluster;
  const bool in_team = repository.companions && random.chance(500);
  const bool is_far = repository.has_namespaces && random.chance(200);
  cluster.ns = is_far ? k_far_ns : in_team ? k_team_ns : "default";
  cluster.path = "clusters/" + name + ".yaml";
  const std::int64_t groups = random.between(0, 2);
  cluster.autoscales = random.chance(400);
  cluster.asks_for_token = name == "c1" || name == "c4";
  for (std::int64_t index = 0; index < groups; ++index) {
    const std::int64_t replicas = random.between(0, 3);
    cluster.groups.push_back(group_named(index == 0 ? "small" : "big", replicas));
  }
  return cluster;
}

}  // namespace

void User::begin() {
  wanted_.companions = core_.random.chance(400);
  const std::int64_t count = core_.random.between(1, k_clusters_max - 1);
  for (std::int64_t index = 0; index < count; ++index) add_cluster(wanted_);
  const std::int64_t jobs = core_.random.between(1, 3);
  for (std::int64_t index = 0; index < jobs; ++index) add_job(wanted_);
  const std::int64_t interest = core_.random.below(4);
  if (interest == 0) on_services_ = 0;
  if (interest == 1) on_services_ = 700;
  if (interest > 0) add_service(wanted_);
  commit("first");
}

void User::make_namespaces() {
  wanted_.has_namespaces = true;
  for (const char* name : {k_team_ns, k_far_ns})
    api_.mutate([&](local_cluster::Store& store) {
      static_cast<void>(
          store.create({"namespaces", "", name}, Json::object(),
                       {.now = core_.timeline.now().wall, .field_manager = "kubectl-create"}));
    });
}

void User::edit(const std::string& message, const std::function<void(Repository&)>& change) {
  change(wanted_);
  commit(message);
}

void User::commit(const std::string& message) {
  const SourceCommit& commit = git_.commit(render_files(wanted_), message);
  said_[commit.id] = wanted_;
}

void User::keep_busy() {
  const Duration pause = core_.random.between(milliseconds(200), seconds(45));
  core_.timeline.after(pause, [this] {
    if (!busy_) return;
    act();
    keep_busy();
  });
}

void User::act() {
  if (core_.random.chance(core_.faults.wall_jumps)) {
    const Duration jump = core_.random.between(seconds(-7200), seconds(7200));
    core_.timeline.jump_wall(jump);
  }
  if (core_.random.chance(core_.faults.outages))
    core_.outage_ends = core_.timeline.instant() + core_.random.between(seconds(5), seconds(60));
  if (core_.random.chance(core_.faults.foreign_objects)) make_something_foreign();
  if (core_.random.chance(core_.faults.drift)) return act_in_cluster();
  if (core_.random.chance(250)) submit_tasks();
  const bool on_services = core_.random.chance(on_services_);
  const bool on_jobs = core_.random.chance(500);
  if (on_services) return act_on_services();
  if (on_jobs) return act_on_jobs();
  act_in_git();
}

void User::act_in_git() {
  const std::int64_t choice = core_.random.below(100);
  if (choice < 40) {
    edit("change", [this](Repository& repository) { change_cluster(repository); });
  } else if (choice < 55) {
    edit("add", [this](Repository& repository) { add_cluster(repository); });
  } else if (choice < 65) {
    edit("remove one", [this](Repository& repository) {
      if (repository.clusters.empty()) return;
      const std::string name = core_.random.pick(repository.clusters).first;
      repository.clusters.erase(name);
    });
  } else if (choice < 77) {
    edit("damage or mend", [this](Repository& repository) { damage_or_mend(repository); });
  } else if (choice < 82) {
    edit("remove many", [this](Repository& repository) { remove_many(repository); });
  } else if (choice < 85) {
    push_back();
  } else if (choice < 88) {
    edit("companions", [](Repository& repository) {
      if (repository.companions) ++repository.companion_revision;
    });
  } else {
    release_hold();
  }
}

void User::submit_tasks() {
  if (wanted_.clusters.empty()) return;
  const auto& [name, cluster] = core_.random.pick(wanted_.clusters);
  const std::int64_t tasks = core_.random.between(1, 7);
  const Duration length = core_.random.between(milliseconds(500), seconds(60));
  if (cluster.autoscales) gcs_.submit(key_of(name, cluster), tasks, length);
}

void User::add_cluster(Repository& repository) {
  if (static_cast<std::int64_t>(repository.clusters.size()) >= k_clusters_max) return;
  const std::string name = "c" + std::to_string(core_.random.below(k_clusters_max));
  if (repository.clusters.contains(name)) return;
  repository.clusters[name] = new_cluster(name, core_.random, repository);
}

void User::change_cluster(Repository& repository) {
  if (repository.clusters.empty()) return;
  const std::string name = core_.random.pick(repository.clusters).first;
  ClusterModel& cluster = repository.clusters.at(name);
  ++edits_;
  const std::int64_t choice = core_.random.below(9);
  if (choice == 0) cluster.image = static_cast<int>(core_.random.below(4));
  if (choice == 1) cluster.head_revision = edits_;
  if (choice == 2) cluster.suspend = !cluster.suspend;
  if (choice == 3) cluster.path = "moved/" + std::to_string(edits_) + "/" + name + ".yaml";
  if (choice == 4) cluster.node_port = !cluster.node_port;
  if (choice == 8) cluster.autoscales = !cluster.autoscales;
  if (choice < 5 || choice == 8) return;
  if (cluster.groups.empty()) return cluster.groups.push_back({"small", 1, 0});
  GroupModel& group = cluster.groups.back();
  if (choice == 5) {
    group.least = core_.random.between(0, 1);
    group.most = core_.random.between(2, 5);
    group.replicas = core_.random.between(group.least, group.most);
  }
  if (choice == 6) group.revision = edits_;
  if (choice == 7) cluster.groups.pop_back();
}

void User::damage_or_mend(Repository& repository) {
  for (auto& [name, cluster] : repository.clusters) {
    const bool mends = core_.random.chance(600);
    if (mends) cluster.damage = Damage::None;
  }
  if (repository.clusters.empty()) return;
  const std::string name = core_.random.pick(repository.clusters).first;
  ClusterModel& cluster = repository.clusters.at(name);
  const bool moves = core_.random.chance(300);
  if (moves) cluster.path = "moved/" + std::to_string(++edits_) + "/" + name + ".yaml";
  cluster.damage = static_cast<Damage>(core_.random.between(0, 4));
}

void User::remove_many(Repository& repository) {
  const bool all = core_.random.chance(400);
  std::vector<std::string> names;
  for (const auto& [name, cluster] : repository.clusters) names.push_back(name);
  for (const std::string& name : names) {
    const bool goes = core_.random.chance(700);
    if (all || goes) repository.clusters.erase(name);
  }
  if (!all) return;
  repository.companions = false;
  repository.jobs.clear();
  repository.services.clear();
}

// A force push to the commit before; the next commits stand on that one.
void User::push_back() {
  const SourceCommit& tip = git_.source(*git_.source_tip());
  if (tip.parent.empty()) return;
  core_.note("force push back to " + tip.parent.substr(0, 7));
  git_.force_to(tip.parent);
  wanted_ = said_.at(tip.parent);
}

bool User::release_hold() {
  const StatusCommit* status = git_.status();
  if (status == nullptr) return false;
  const Json summary = Json::parse(status->files.at("summary.json"));
  const bool is_current = summary["source"]["observedCommit"] == *git_.source_tip();
  if (!summary.contains("hold") || !is_current) return false;
  commit("release\n\nRay-Gitops-Release: " + summary["hold"]["id"].get<std::string>() + "\n");
  return true;
}

void User::act_in_cluster() {
  const std::int64_t choice = core_.random.below(10);
  if (choice < 5)
    delete_something("pods");
  else if (choice < 7)
    delete_something("services");
  else if (choice < 8)
    delete_something("configmaps");
  else if (choice < 9)
    delete_something("secrets");
  else
    edit_service();
}

void User::delete_something(const std::string& plural) {
  const auto objects = api_.store().list({.type = local_cluster::find_type_by_plural(plural)});
  std::vector<local_cluster::StoreKey> candidates;
  for (const Document& object : objects) {
    const Json& metadata = object.json()["metadata"];
    const local_cluster::StoreKey key{plural, metadata["namespace"], metadata["name"]};
    if (api_.made().contains(metadata["uid"])) candidates.push_back(key);
  }
  if (candidates.empty()) return;
  delete_by_hand(core_.random.pick(candidates));
}

void User::delete_by_hand(const local_cluster::StoreKey& key) {
  core_.note("kubectl delete " + key.plural + " " + key.name);
  api_.mutate([&](local_cluster::Store& store) {
    static_cast<void>(store.remove(key, {.now = core_.timeline.now().wall}));
  });
}

void User::edit_service() {
  const auto services = api_.store().list({.type = local_cluster::find_type_by_plural("services")});
  if (services.empty()) return;
  const Json metadata = core_.random.pick(services).json()["metadata"];
  if (!api_.made().contains(metadata["uid"])) return;
  core_.note("kubectl edit service " + metadata["name"].get<std::string>());
  api_.mutate([&](local_cluster::Store& store) {
    const Json patch{{"metadata", {{"annotations", {{"team", "edited"}}}}},
                     {"spec", {{"publishNotReadyAddresses", false}}}};
    static_cast<void>(
        store.merge_patch({"services", metadata["namespace"], metadata["name"]}, patch,
                          {.now = core_.timeline.now().wall, .field_manager = "kubectl-edit"}));
  });
}

// An object that has a name we want, and sometimes the labels of one of ours.
void User::make_something_foreign() {
  const std::string digit = std::to_string(core_.random.below(k_clusters_max));
  const std::string cluster = "c" + digit;
  const std::int64_t choice = core_.random.below(7);
  const bool labelled = core_.random.chance(500);
  const bool is_far = wanted_.has_namespaces && core_.random.chance(300);
  const std::string ns = is_far ? k_far_ns : "default";
  const local_cluster::StoreKey key =
      choice == 0   ? local_cluster::StoreKey{"pods", ns, head_pod_name(cluster)}
      : choice == 1 ? local_cluster::StoreKey{"pods", ns, worker_pod_name(cluster, "small", 0)}
      : choice == 2 ? local_cluster::StoreKey{"services", ns, cluster + "-head-svc"}
      : choice == 3 ? local_cluster::StoreKey{"configmaps", ns, "raycluster." + cluster}
      : choice == 4 ? local_cluster::StoreKey{"configmaps", ns, "rayjob.j" + digit}
      : choice == 5 ? local_cluster::StoreKey{"configmaps", ns, "rayservice.s" + digit}
                    : local_cluster::StoreKey{"services", ns, "s" + digit + "-serve-svc"};
  std::map<std::string, std::string> labels;
  if (labelled)
    labels = {{labels::k_agent, k_agent_id},
              {labels::k_cluster, cluster},
              {labels::k_group, choice == 0 ? "headgroup" : "small"}};
  make_foreign(key, labels);
}

void User::make_foreign(const local_cluster::StoreKey& key,
                        const std::map<std::string, std::string>& labels) {
  Json object{
      {"metadata", {{"name", key.name}, {"annotations", {{k_foreign_annotation, "true"}}}}}};
  if (!labels.empty()) object["metadata"]["labels"] = labels;
  if (key.plural == "pods")
    object["spec"]["containers"] = Json::array({{{"name", "main"}, {"image", "busybox"}}});
  if (key.plural == "services")
    object["spec"]["ports"] = Json::array({{{"name", "a"}, {"port", 80}}});
  api_.mutate([&](local_cluster::Store& store) {
    const auto made = store.create(
        key, object, {.now = core_.timeline.now().wall, .field_manager = "kubectl-create"});
    if (!made) return;
    core_.note("kubectl create " + key.plural + " " + key.name);
    foreign_[key] = *made;
  });
}

bool User::is_blocked(const std::string& cluster) const {
  return foreign_.contains({"pods", "default", head_pod_name(cluster)}) ||
         foreign_.contains({"services", "default", cluster + "-head-svc"}) ||
         foreign_.contains({"configmaps", "default", "raycluster." + cluster});
}

bool User::is_job_blocked(const std::string& job) const {
  return foreign_.contains({"configmaps", "default", "rayjob." + job});
}

bool User::is_service_blocked(const std::string& service) const {
  return foreign_.contains({"configmaps", "default", "rayservice." + service}) ||
         foreign_.contains({"services", "default", service + "-serve-svc"});
}

void User::calm_down() {
  busy_ = false;
  edit("mend all", [](Repository& repository) {
    for (auto& [name, cluster] : repository.clusters) {
      cluster.damage = Damage::None;
      if (cluster.ns == k_team_ns) repository.companions = true;
    }
    for (auto& [name, job] : repository.jobs) {
      job.damage = Damage::None;
      if (job.ns == k_team_ns) repository.companions = true;
    }
    for (auto& [name, service] : repository.services) {
      service.damage = Damage::None;
      service.import_path = k_fine_application;
      if (service.ns == k_team_ns) repository.companions = true;
    }
  });
  for (auto at = foreign_.begin(); at != foreign_.end();) {
    const bool stays = core_.random.chance(300);
    if (stays) {
      ++at;
      continue;
    }
    api_.mutate([&](local_cluster::Store& store) {
      static_cast<void>(store.remove(at->first, {.now = core_.timeline.now().wall}));
    });
    at = foreign_.erase(at);
  }
  release_later();
}

void User::release_later() {
  core_.timeline.after(k_release_every, [this] {
    release_hold();
    release_later();
  });
}

}  // namespace ray_gitops::simulation
