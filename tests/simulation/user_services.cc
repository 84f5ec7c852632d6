// What people do to files of services.
#include "tests/simulation/user.h"

namespace ray_gitops::simulation {
namespace {

constexpr std::int64_t k_services_max = 2;

ServiceModel new_service(const std::string& name, Random& random, bool companions) {
  ServiceModel service;
  const bool in_team = companions && random.chance(300);
  service.ns = in_team ? k_team_ns : "default";
  service.path = "services/" + name + ".yaml";
  const bool leaves_at_once = random.chance(500);
  service.deletion_delay = leaves_at_once ? 0 : 60;
  const bool has_workers = random.chance(600);
  const std::int64_t replicas = random.between(1, 2);
  if (has_workers) service.cluster.groups = {{"small", replicas, 0}};
  return service;
}

// What asks for another cluster. Sometimes it is what another cluster was made from before.
void change_template(ServiceModel& service, Random& random) {
  ClusterShape& cluster = service.cluster;
  const std::int64_t choice = random.below(4);
  if (choice == 0) cluster.image = static_cast<int>(random.below(2));
  if (choice < 3) cluster.head_revision = static_cast<int>(random.below(3));
  if (choice == 3 && !cluster.groups.empty())
    cluster.groups.front().revision = static_cast<int>(random.below(2));
}

void change_groups(ServiceModel& service, Random& random) {
  auto& groups = service.cluster.groups;
  const bool scales = random.chance(600);
  if (scales && !groups.empty())
    groups.back().replicas = random.between(0, 3);
  else if (groups.size() < 2)
    groups.push_back(group_named(groups.empty() ? "small" : "big", 1));
  else
    groups.pop_back();
}

// Sometimes it is what was there before.
void change_configuration(ServiceModel& service, Random& random) {
  const std::int64_t choice = random.below(6);
  if (choice < 3) service.revision = static_cast<int>(random.below(3));
  if (choice == 3) service.has_second = !service.has_second;
  if (choice < 4) return;
  const bool mends = service.import_path != k_fine_application;
  service.import_path = choice == 4 ? k_refused_application : k_broken_application;
  if (mends) service.import_path = k_fine_application;
}

}  // namespace

void User::act_on_services() {
  const std::int64_t choice = core_.random.below(100);
  if (choice < 20)
    edit("add a service", [this](Repository& repository) { add_service(repository); });
  else if (choice < 85)
    edit("change a service", [this](Repository& repository) { change_service(repository); });
  else if (choice < 93)
    edit("remove a service", [this](Repository& repository) { remove_service(repository); });
  else
    edit("damage or mend a service",
         [this](Repository& repository) { damage_service(repository); });
}

void User::add_service(Repository& repository) {
  const std::string name = "s" + std::to_string(core_.random.below(k_services_max));
  if (repository.services.contains(name)) return;
  repository.services[name] = new_service(name, core_.random, repository.companions);
}

void User::change_service(Repository& repository) {
  if (repository.services.empty()) return;
  const std::string name = core_.random.pick(repository.services).first;
  ServiceModel& service = repository.services.at(name);
  ++edits_;
  const std::int64_t choice = core_.random.below(20);
  if (choice < 6) change_configuration(service, core_.random);
  if (choice >= 6 && choice < 10) change_template(service, core_.random);
  if (choice >= 10 && choice < 14) change_groups(service, core_.random);
  if (choice == 14) service.suspend = !service.suspend;
  if (choice == 15) service.replaces_cluster = !service.replaces_cluster;
  if (choice == 16) service.deletion_delay = 60 - service.deletion_delay;
  if (choice == 17) service.excludes_head = !service.excludes_head;
  if (choice == 18) service.cluster.node_port = !service.cluster.node_port;
  if (choice == 19) service.path = "moved/" + std::to_string(edits_) + "/" + name + ".yaml";
  // Without a worker nobody would serve.
  const auto& groups = service.cluster.groups;
  if (groups.empty() || groups.front().replicas == 0) service.excludes_head = false;
}

void User::remove_service(Repository& repository) {
  if (repository.services.empty()) return;
  const std::string name = core_.random.pick(repository.services).first;
  repository.services.erase(name);
}

void User::damage_service(Repository& repository) {
  if (repository.services.empty()) return;
  const std::string name = core_.random.pick(repository.services).first;
  ServiceModel& service = repository.services.at(name);
  const bool mends = service.damage != Damage::None;
  const std::int64_t damage = core_.random.between(1, 4);
  service.damage = mends ? Damage::None : static_cast<Damage>(damage);
}

}  // namespace ray_gitops::simulation
