#include "tests/simulation/service_log.h"

#include <algorithm>
#include <variant>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops::simulation {
namespace {

using local_cluster::Change;
using local_cluster::ChangeType;

// How long what the agent knows may lag behind what is so.
constexpr Duration k_lag = std::chrono::minutes(2);

// Does the file ask for what the cluster was made from? Groups that were added are no difference.
bool is_asked_for(const RayServiceSpec& spec, const ServingCluster& cluster) {
  return cluster.head_hash == spec.head_hash &&
         std::all_of(cluster.group_hashes.begin(), cluster.group_hashes.end(),
                     [&](const auto& group) {
                       const auto found = spec.group_hashes.find(group.first);
                       return found != spec.group_hashes.end() && found->second == group.second;
                     });
}

}  // namespace

std::optional<ObjectKey> service_that_owns(const std::string& ns, const std::string& owner_name) {
  static const std::string k_start = "rayservice.";
  if (!owner_name.starts_with(k_start)) return std::nullopt;
  return ObjectKey{Kind::RayService, ns, owner_name.substr(k_start.size())};
}

std::string selected_cluster(const Document& service) {
  static const nlohmann::json::json_pointer k_selector("/spec/selector");
  if (!service.json().contains(k_selector)) return {};
  return service.json()[k_selector].value(labels::k_cluster, "");
}

void ServiceLog::on_change(const Change& change) {
  const auto view = view_of(change.object);
  if (view && std::holds_alternative<ConfigMapView>(*view))
    on_anchor(std::get<ConfigMapView>(*view), change.type == ChangeType::Deleted);
  const auto* pod = view ? std::get_if<PodView>(&*view) : nullptr;
  if (pod != nullptr) look_at({Kind::RayCluster, change.key.ns, pod->cluster});
  if (change.key.plural == "configmaps") note_what_ends();
}

void ServiceLog::on_anchor(const ConfigMapView& anchor, bool deleted) {
  const Result<ObjectKey> key = anchored_key(anchor);
  if (!key || anchor.meta.agent != k_agent_id) return;
  if (key->kind == Kind::RayService) return on_service_anchor(*key, anchor);
  const auto service = service_that_owns(key->ns, anchor.owner_name);
  if (!service) return;
  services_.emplace(*key, *service);
  if (deleted || anchor.meta.terminating) destroyed_[*key] = core_.timeline.instant();
}

void ServiceLog::on_service_anchor(const ObjectKey& service, const ConfigMapView& anchor) {
  const Result<ServiceState> state = anchored_service_state(anchor);
  if (!state) return;
  std::string& active = active_[service];
  were_active_[{service, active}] = core_.timeline.instant();
  active = state->active;
  were_active_[{service, active}] = core_.timeline.instant();
}

void ServiceLog::note_what_ends() {
  for (const auto& [cluster, service] : services_) {
    if (is_surplus(cluster)) surplus_[cluster] = core_.timeline.instant();
    if (is_stopped(service)) stopped_[service] = core_.timeline.instant();
  }
}

const ObjectKey* ServiceLog::service_of(const ObjectKey& cluster) const {
  const auto found = services_.find(cluster);
  return found == services_.end() ? nullptr : &found->second;
}

std::vector<ObjectKey> ServiceLog::clusters_of(const ObjectKey& service) const {
  std::vector<ObjectKey> clusters;
  const auto anchor = truth_.anchor(service);
  for (const auto& [cluster, owner] : services_) {
    const auto child = truth_.anchor(cluster);
    if (owner == service && anchor && child && child->meta.owner_uid == anchor->meta.uid)
      clusters.push_back(cluster);
  }
  return clusters;
}

std::optional<ServiceState> ServiceLog::state_of(const ObjectKey& service) const {
  const auto anchor = truth_.anchor(service);
  if (!anchor) return std::nullopt;
  const Result<ServiceState> state = anchored_service_state(*anchor);
  return state ? std::optional(*state) : std::nullopt;
}

bool ServiceLog::was_lately(const std::map<ObjectKey, Instant>& times, const ObjectKey& key) const {
  const auto found = times.find(key);
  return found != times.end() && core_.timeline.instant() - found->second < k_lag;
}

bool ServiceLog::may_leave(const ObjectKey& cluster) {
  if (is_surplus(cluster)) surplus_[cluster] = core_.timeline.instant();
  return was_lately(surplus_, cluster);
}

bool ServiceLog::is_surplus(const ObjectKey& cluster) {
  const ObjectKey* service = service_of(cluster);
  if (service == nullptr) return false;
  const auto child = truth_.anchor(cluster);
  const auto anchor = truth_.anchor(*service);
  if (!child || !anchor || child->meta.owner_uid != anchor->meta.uid) return true;
  if (is_stopped(*service)) return true;
  const auto declaration = truth_.applied(*service);
  const auto state = state_of(*service);
  if (!declaration || !state || state->active == cluster.name) return false;
  const auto found = std::find_if(state->clusters.begin(), state->clusters.end(),
                                  [&](const auto& entry) { return entry.name == cluster.name; });
  if (found == state->clusters.end()) return true;
  if (found->leaves_at) return *found->leaves_at <= core_.timeline.now().wall;
  return !is_asked_for(std::get<RayServiceSpec>(declaration->spec), *found);
}

bool ServiceLog::may_stop(const ObjectKey& service) {
  if (is_stopped(service)) stopped_[service] = core_.timeline.instant();
  return was_lately(stopped_, service);
}

bool ServiceLog::is_stopped(const ObjectKey& service) {
  const auto removals = truth_.agent_state().removals;
  if (std::find(removals.begin(), removals.end(), service) != removals.end()) return true;
  if (!truth_.anchor(service)) return true;
  const auto declaration = truth_.applied(service);
  return declaration && std::get<RayServiceSpec>(declaration->spec).suspend;
}

bool ServiceLog::was_active(const ObjectKey& service, const std::string& cluster) const {
  const auto found = were_active_.find({service, cluster});
  if (found == were_active_.end()) return false;
  return active_.at(service) == cluster || core_.timeline.instant() - found->second < k_lag;
}

bool ServiceLog::has_served(const ObjectKey& cluster) {
  look_at(cluster);
  return was_lately(served_, cluster);
}

bool ServiceLog::was_there(const ObjectKey& cluster) const {
  return !was_lately(destroyed_, cluster);
}

bool ServiceLog::was_ready(const ObjectKey& service) {
  return std::any_of(services_.begin(), services_.end(), [&](const auto& entry) {
    return entry.second == service && has_served(entry.first);
  });
}

// What was well until now was well a moment ago.
void ServiceLog::look_at(const ObjectKey& cluster) {
  if (service_of(cluster) == nullptr) return;
  bool& well = well_[cluster];
  if (well) served_[cluster] = core_.timeline.instant();
  well = is_well(cluster);
  if (well) served_[cluster] = core_.timeline.instant();
}

bool ServiceLog::is_well(const ObjectKey& cluster) const {
  const auto serve = heads_.serve_of(cluster);
  return serve && is_serving(serve->info) && has_serving_pod(cluster);
}

bool ServiceLog::has_serving_pod(const ObjectKey& cluster) const {
  const std::vector<PodView> pods = truth_.pods(cluster);
  const auto serve = heads_.serve_of(cluster);
  return std::any_of(pods.begin(), pods.end(), [&](const PodView& pod) {
    const bool is_reached = pod.ready && pod.serves && !pod.meta.terminating;
    return is_reached && (!serve || serve->info.proxies.contains(pod.ip));
  });
}

}  // namespace ray_gitops::simulation
