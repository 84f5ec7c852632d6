#include "tests/simulation/serve.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace ray_gitops::simulation {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

bool has_path(const Json& application, const char* import_path) {
  return application.value("import_path", "") == import_path;
}

}  // namespace

Result<RayReply> Serve::put(const Document& config, Instant asked) {
  const Json& list = config.json()["applications"];
  const bool is_refused = std::any_of(list.begin(), list.end(), [](const Json& application) {
    return has_path(application, k_refused_application);
  });
  if (is_refused) return fail(ErrorCode::Rejected, "the import path is not one");
  if (asked < asked_) return RayReply{};
  asked_ = asked;
  config_ = config;
  start();
  std::set<std::string> wanted;
  for (const Json& application : list) {
    const std::string name = application.value("name", "default");
    wanted.insert(name);
    deploy(name, Document{application});
  }
  for (const auto& [name, application] : applications_)
    if (!wanted.contains(name)) remove(name);
  return RayReply{};
}

// The controller and the proxies take a while.
void Serve::start() {
  if (std::exchange(is_starting_, true)) return;
  const Duration delay = core_.random.between(milliseconds(500), seconds(4));
  core_.timeline.after(delay, [this] { has_started_ = true; });
}

// One that is as it was is left alone.
void Serve::deploy(const std::string& name, const Document& config) {
  const auto [found, is_new] = applications_.try_emplace(name);
  Application& application = found->second;
  const bool is_well = application.status == ServeApplicationStatus::Deploying ||
                       application.status == ServeApplicationStatus::Running ||
                       application.status == ServeApplicationStatus::Unhealthy;
  if (!is_new && is_well && application.config == config) return;
  application.config = config;
  application.status = ServeApplicationStatus::Deploying;
  ++application.version;
  const Duration delay = core_.random.between(seconds(1), seconds(8));
  const bool breaks = has_path(config.json(), k_broken_application);
  become(name, breaks ? ServeApplicationStatus::DeployFailed : ServeApplicationStatus::Running,
         delay);
}

void Serve::remove(const std::string& name) {
  Application& application = applications_.at(name);
  if (application.status == ServeApplicationStatus::Deleting) return;
  application.status = ServeApplicationStatus::Deleting;
  const int version = ++application.version;
  const Duration delay = core_.random.between(milliseconds(200), seconds(3));
  core_.timeline.after(delay, [this, name, version] {
    const auto found = applications_.find(name);
    if (found != applications_.end() && found->second.version == version)
      applications_.erase(found);
  });
}

void Serve::become(const std::string& name, ServeApplicationStatus status, Duration delay) {
  core_.timeline.after(delay, [this, name, status, version = applications_.at(name).version] {
    const auto found = applications_.find(name);
    if (found == applications_.end() || found->second.version != version) return;
    found->second.status = status;
    on_status(name, status);
  });
}

void Serve::on_status(const std::string& name, ServeApplicationStatus status) {
  if (status != ServeApplicationStatus::Running) return;
  applications_.at(name).has_replicas = true;
  plan_trouble(name);
}

// A replica fails its health check; Serve replaces it.
void Serve::plan_trouble(const std::string& name) {
  const bool comes = core_.random.chance(core_.faults.serve_unhealthy);
  const Duration when = core_.random.between(seconds(5), minutes(2));
  const Duration lasts = core_.random.between(seconds(1), seconds(15));
  if (!comes) return;
  become(name, ServeApplicationStatus::Unhealthy, when);
  become(name, ServeApplicationStatus::Running, when + lasts);
}

ServeInfo Serve::info(const std::string& head_ip,
                      const std::vector<std::string>& worker_ips) const {
  ServeInfo info;
  bool has_replicas = false;
  for (const auto& [name, application] : applications_) {
    has_replicas = has_replicas || application.has_replicas;
    ServeApplication& shown = info.applications[name];
    shown.status = application.status;
    if (application.status == ServeApplicationStatus::DeployFailed)
      shown.message = "Deploying app '" + name + "' failed with exception: broken";
    if (application.has_replicas) shown.deployments["work"] = {"HEALTHY", {{"RUNNING", 1}}};
  }
  if (has_started_) info.proxies.insert(head_ip);
  if (has_started_ && has_replicas) info.proxies.insert(worker_ips.begin(), worker_ips.end());
  return info;
}

}  // namespace ray_gitops::simulation
