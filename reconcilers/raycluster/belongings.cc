#include "reconcilers/raycluster/belongings.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/token_secret.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/raycluster/actions.h"

namespace ray_gitops::raycluster {
namespace {

std::string name_in(const Document& body) {
  return body.json()["metadata"]["name"].get<std::string>();
}

bool is_live(const ObjectMeta& meta, const OwnerFacts& owner) {
  return meta.owner_uid == owner.anchor_uid && !meta.terminating;
}

class Planning {
 public:
  explicit Planning(const BelongingsInput& input)
      : declaration_(*input.declaration),
        spec_(*input.spec),
        owner_(*input.owner),
        observed_(*input.observed),
        has_head_with_token_(input.has_head_with_token) {}

  Belongings run() {
    plan_services();
    plan_token();
    return std::move(plan_);
  }

 private:
  void plan_services();
  bool plan_service(const Document& body, const std::string& what);
  void plan_token();
  void judge_holder(const SecretView& holder);
  void add(Action action) { plan_.actions.push_back(std::move(action)); }

  const Declaration& declaration_;
  const RayClusterSpec& spec_;
  const OwnerFacts& owner_;
  const ClusterObserved& observed_;
  const bool has_head_with_token_;
  Belongings plan_;
};

void Planning::plan_services() {
  const Document head = head_service_body(declaration_, spec_, owner_);
  std::set<std::string> wanted{name_in(head)};
  plan_.head_service_present = plan_service(head, "the head Service");
  const bool has_hosts = std::any_of(spec_.workers.begin(), spec_.workers.end(),
                                     [](const GroupSpec& group) { return group.hosts > 1; });
  if (has_hosts) {
    const Document workers = workers_service_body(declaration_, owner_);
    if (wanted.insert(name_in(workers)).second) plan_service(workers, "the workers' Service");
  }
  if (!plan_.head_service_present) return;
  for (const ServiceView& service : observed_.services.value())
    if (is_live(service.meta, owner_) && !wanted.contains(service.meta.key.name))
      add(delete_action(service.meta, k_wave_workers,
                        service.meta.key.name == workers_service_name(declaration_.key.name)
                            ? "no group has replicas of several hosts"
                            : "the head Service has another name now"));
}

// Whether it is there as it should be.
bool Planning::plan_service(const Document& body, const std::string& what) {
  const ResourceKey target{ResourceType::Service, declaration_.key.ns, name_in(body)};
  const ServiceView* live = nullptr;
  bool name_is_leaving = false;
  for (const ServiceView& service : observed_.services.value()) {
    if (service.meta.key != target) continue;
    name_is_leaving = name_is_leaving || service.meta.terminating;
    if (is_live(service.meta, owner_)) live = &service;
  }
  const auto desired_hash =
      body.json()["metadata"]["annotations"][labels::k_desired_hash].get<std::string>();
  if (live != nullptr && live->meta.desired_hash == desired_hash &&
      live->shape_digest == service_shape(body.json()))
    return true;
  if (name_is_leaving) return false;
  const bool wants_headless = body.json()["spec"].value("clusterIP", "") == "None";
  if (live != nullptr && live->headless != wants_headless) {
    add(delete_action(live->meta, k_wave_head, what + " gets another kind of address"));
    return false;
  }
  // Replaced, not applied: an apply would take back nothing that others changed, nor remove what
  // our own create left (Kubernetes, server-side apply, "Conflicts").
  add({.verb = live == nullptr ? Verb::Create : Verb::Replace,
       .target = target,
       .body = body,
       .preconditions = live == nullptr
                            ? Preconditions{}
                            : Preconditions{live->meta.uid, live->meta.resource_version},
       .wave = k_wave_head,
       .reason = what + (live == nullptr ? " is missing" : " differs from its file")});
  return false;
}

void Planning::plan_token() {
  if (!observed_.secrets.is_known()) return;
  const bool is_made = makes_token(spec_);
  const ResourceKey target{ResourceType::Secret, declaration_.key.ns,
                           token_secret_name(declaration_.key.name, spec_)};
  const SecretView* holder = nullptr;
  for (const SecretView& secret : observed_.secrets.value()) {
    if (secret.meta.key == target) holder = &secret;
    if (is_live(secret.meta, owner_) && !(is_made && secret.meta.key == target))
      add(delete_action(secret.meta, k_wave_workers, "the cluster does not ask for it any more"));
  }
  if (!is_made) return;
  if (holder != nullptr) return judge_holder(*holder);
  plan_.token_problem = to_string(target) + " with its token is not there yet";
  if (has_head_with_token_) return;
  add({.verb = Verb::Create,
       .target = target,
       .body = token_secret_body(declaration_, spec_, owner_),
       .preconditions = {},
       .wave = k_wave_head,
       .reason = "the Secret with the cluster's token is missing",
       .force = false,
       .makes_token = true});
}

void Planning::judge_holder(const SecretView& holder) {
  if (is_live(holder.meta, owner_)) return;
  const std::string name = to_string(holder.meta.key);
  plan_.token_name_is_taken = !holder.meta.terminating;
  plan_.token_problem =
      holder.meta.terminating
          ? "an earlier " + name + " is still ending"
          : name + " exists and is not ours; delete it, or name it in authOptions.secretName";
}

}  // namespace

Belongings plan_belongings(const BelongingsInput& input) { return Planning(input).run(); }

bool makes_token(const RayClusterSpec& spec) {
  return spec.token_auth && spec.token_secret.empty();
}

bool has_token(const BelongingsInput& input) {
  const RayClusterSpec& spec = *input.spec;
  if (!makes_token(spec)) return true;
  const auto& secrets = input.observed->secrets.value();
  return std::any_of(secrets.begin(), secrets.end(), [&](const SecretView& secret) {
    return is_live(secret.meta, *input.owner) &&
           secret.meta.key.name == token_secret_name(input.declaration->key.name, spec);
  });
}

}  // namespace ray_gitops::raycluster
