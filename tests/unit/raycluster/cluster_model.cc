#include "tests/unit/raycluster/cluster_model.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/view.h"
#include "reconcilers/model/check.h"

namespace ray_gitops::test {
namespace {

constexpr Duration k_grace = std::chrono::seconds(30);

// What the server answers to the body of a write.
template <class View>
View served(const Action& action, const std::string& uid, const std::string& version) {
  nlohmann::json body = action.body.json();
  body["metadata"]["uid"] = uid;
  body["metadata"]["resourceVersion"] = version;
  return std::get<View>(parse_view(action.target.type, body).value());
}

template <class View>
View* find(std::vector<View>& views, const ResourceKey& key) {
  const auto found = std::find_if(views.begin(), views.end(),
                                  [&](const View& view) { return view.meta.key == key; });
  return found == views.end() ? nullptr : &*found;
}

bool holds(const ObjectMeta& meta, const Preconditions& wanted) {
  return (wanted.uid.empty() || wanted.uid == meta.uid) &&
         (wanted.resource_version.empty() || wanted.resource_version == meta.resource_version);
}

// False: it is not there as it should be.
template <class View>
bool take_out(Fact<std::vector<View>>& fact, const Action& action) {
  std::vector<View> views = fact.value();
  const View* view = find(views, action.target);
  if (view == nullptr || !holds(view->meta, action.preconditions)) return false;
  std::erase_if(views, [&](const View& each) { return each.meta.key == action.target; });
  fact = Known<std::vector<View>>{std::move(views)};
  return true;
}

template <class View>
void sort_by_name(std::vector<View>& views) {
  std::sort(views.begin(), views.end(),
            [](const View& left, const View& right) { return left.meta.key < right.meta.key; });
}

}  // namespace

ClusterModel::ClusterModel(ClusterObserved observed, Now now)
    : observed_(std::move(observed)), now_(now) {}

int ClusterModel::apply(const Plan& plan) {
  int effects = 0;
  for (const Action& action : plan.actions) {
    if (apply(action)) {
      observed_.refusals.erase(action.target);
      ++effects;
    } else {
      const ErrorCode code =
          action.verb == Verb::Create ? ErrorCode::AlreadyExists : ErrorCode::Conflict;
      observed_.refusals[action.target] = {{code, "refused", ""}, 1, now_.monotonic};
    }
  }
  return effects;
}

bool ClusterModel::apply(const Action& action) {
  switch (action.verb) {
    case Verb::Create:
      return create(action);
    case Verb::Replace:
      return replace(action);
    case Verb::Delete:
      return remove(action);
    case Verb::Apply:
      break;
  }
  CHECK(action.verb != Verb::Apply);
  return false;
}

bool ClusterModel::create(const Action& action) {
  const std::string uid = "made-" + std::to_string(next_id_++);
  auto pods = observed_.pods.value();
  auto services = observed_.services.value();
  if (action.target.type == ResourceType::ConfigMap) {
    if (observed_.anchor.value()) return false;
    observed_.anchor = Known<std::optional<ConfigMapView>>{served<ConfigMapView>(action, uid, "1")};
    return true;
  }
  if (action.target.type == ResourceType::Service) {
    if (find(services, action.target) != nullptr) return false;
    services.push_back(served<ServiceView>(action, uid, "1"));
    observed_.services = Known<std::vector<ServiceView>>{std::move(services)};
    return true;
  }
  if (action.target.type == ResourceType::Secret) {
    auto secrets = observed_.secrets.value();
    if (find(secrets, action.target) != nullptr) return false;
    secrets.push_back(served<SecretView>(action, uid, "1"));
    observed_.secrets = Known<std::vector<SecretView>>{std::move(secrets)};
    return true;
  }
  if (find(pods, action.target) != nullptr) return false;
  pods.push_back(served<PodView>(action, uid, "1"));
  pods.back().meta.created_at = now_.wall;
  sort_by_name(pods);
  observed_.pods = Known<std::vector<PodView>>{std::move(pods)};
  return true;
}

bool ClusterModel::replace(const Action& action) {
  const std::string version = std::to_string(next_id_++);
  if (action.target.type == ResourceType::ConfigMap) {
    const auto& anchor = observed_.anchor.value();
    if (!anchor || !holds(anchor->meta, action.preconditions)) return false;
    observed_.anchor = Known<std::optional<ConfigMapView>>{
        served<ConfigMapView>(action, anchor->meta.uid, version)};
    return true;
  }
  auto services = observed_.services.value();
  ServiceView* live = find(services, action.target);
  if (live == nullptr || !holds(live->meta, action.preconditions)) return false;
  const ServiceView wanted = served<ServiceView>(action, live->meta.uid, version);
  if (wanted.headless != live->headless) return false;  // an address cannot be changed
  *live = wanted;
  observed_.services = Known<std::vector<ServiceView>>{std::move(services)};
  return true;
}

bool ClusterModel::remove(const Action& action) {
  const auto& anchor = observed_.anchor.value();
  if (anchor && action.target == anchor->meta.key) {
    if (!holds(anchor->meta, action.preconditions)) return false;
    const std::string uid = anchor->meta.uid;
    observed_.anchor = Known<std::optional<ConfigMapView>>{std::nullopt};
    collect_garbage(uid);
    return true;
  }
  auto pods = observed_.pods.value();
  if (PodView* pod = find(pods, action.target)) {
    if (!holds(pod->meta, action.preconditions)) return false;
    pod->meta.terminating = true;
    pod->meta.deletion_deadline = now_.wall + k_grace;
    observed_.pods = Known<std::vector<PodView>>{std::move(pods)};
    return true;
  }
  return take_out(observed_.services, action) || take_out(observed_.secrets, action);
}

void ClusterModel::collect_garbage(const std::string& owner_uid) {
  const auto is_owned = [&](const auto& view) { return view.meta.owner_uid == owner_uid; };
  auto pods = observed_.pods.value();
  auto services = observed_.services.value();
  auto secrets = observed_.secrets.value();
  std::erase_if(pods, is_owned);
  std::erase_if(services, is_owned);
  std::erase_if(secrets, is_owned);
  observed_.pods = Known<std::vector<PodView>>{std::move(pods)};
  observed_.services = Known<std::vector<ServiceView>>{std::move(services)};
  observed_.secrets = Known<std::vector<SecretView>>{std::move(secrets)};
}

void ClusterModel::pass_time() {
  now_.wall = now_.wall + std::chrono::minutes(1);
  now_.monotonic = now_.monotonic + std::chrono::minutes(1);
  const auto is_leaving = [](const auto& view) { return view.meta.terminating; };
  auto pods = observed_.pods.value();
  auto services = observed_.services.value();
  auto secrets = observed_.secrets.value();
  std::erase_if(pods, is_leaving);
  std::erase_if(services, is_leaving);
  std::erase_if(secrets, is_leaving);
  for (PodView& pod : pods) {
    if (pod.phase != PodPhase::Pending) continue;
    pod.phase = PodPhase::Running;
    pod.ready = true;
    pod.ray_started_at = now_.wall;
  }
  for (PodView& pod : pods)
    if (pod.phase == PodPhase::Running || pod.phase == PodPhase::Unknown) pod.ready = true;
  observed_.pods = Known<std::vector<PodView>>{std::move(pods)};
  observed_.services = Known<std::vector<ServiceView>>{std::move(services)};
  observed_.secrets = Known<std::vector<SecretView>>{std::move(secrets)};
  if (const auto anchor = observed_.anchor.value(); anchor && anchor->meta.terminating) {
    observed_.anchor = Known<std::optional<ConfigMapView>>{std::nullopt};
    collect_garbage(anchor->meta.uid);
  }
  std::erase_if(observed_.failures, [&](const auto& entry) {
    return now_.monotonic - entry.second.last > k_failures_remembered;
  });
  observed_.refusals.clear();
}

std::string ClusterModel::anchor_uid() const {
  const auto& anchor = observed_.anchor.value();
  return anchor ? anchor->meta.uid : "";
}

std::map<ResourceKey, std::string> ClusterModel::foreign() const {
  std::map<ResourceKey, std::string> objects;
  const auto add = [&](const ObjectMeta& meta) {
    if (meta.owner_uid != anchor_uid() && !meta.terminating) objects[meta.key] = meta.uid;
  };
  for (const PodView& pod : observed_.pods.value()) add(pod.meta);
  for (const ServiceView& service : observed_.services.value()) add(service.meta);
  for (const SecretView& secret : observed_.secrets.value()) add(secret.meta);
  return objects;
}

}  // namespace ray_gitops::test
