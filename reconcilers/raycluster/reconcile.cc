#include "reconcilers/raycluster/reconcile.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/pod.h"
#include "reconcilers/raycluster/actions.h"
#include "reconcilers/raycluster/belongings.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/health.h"
#include "reconcilers/raycluster/workers.h"

namespace ray_gitops::raycluster {
namespace {

// How long a group that does not come up holds back the restart of the groups after it.
constexpr Duration k_group_patience = std::chrono::minutes(5);

// With the autoscaler's targets, when it decides.
std::optional<RayClusterSpec> sized_spec(const Declaration& declaration,
                                         const ClusterObserved& observed) {
  if (!observed.scaling) return std::nullopt;
  RayClusterSpec spec = std::get<RayClusterSpec>(declaration.spec);
  for (GroupSpec& group : spec.workers) {
    const auto target = observed.scaling->targets.find(group.name);
    if (target != observed.scaling->targets.end()) group.replicas = target->second;
  }
  return spec;
}

// One cluster's round: facts by reference, the plan under construction.
class Round {
 public:
  Round(const Declaration& declaration, const ClusterObserved& observed,
        const std::string& agent_id, Now now)
      : declaration_(declaration),
        sized_(sized_spec(declaration, observed)),
        spec_(sized_ ? *sized_ : std::get<RayClusterSpec>(declaration.spec)),
        observed_(observed),
        agent_id_(agent_id),
        now_(now.monotonic),
        wall_(now.wall) {}

  Plan run();

 private:
  void create_anchor();
  bool save_anchor();
  void save_scaling();
  Document wanted_scaling() const;
  Action anchor_save(Document body, std::string reason) const;
  std::string why_restart() const;
  void plan_belongings();
  BelongingsInput belongings_input() const;
  bool waits_for_token() const;
  void plan_suspended();
  void plan_leaving();
  void plan_scale_down();
  void plan_head();
  void plan_workers();
  GroupDecision plan_group(const GroupSpec& group, bool may_restart);
  bool holds_back(const GroupSpec& group, const GroupDecision& decision);
  bool is_outdated(const GroupSpec& group) const;
  bool workers_are_ending();
  Action create_worker(const GroupSpec& group, std::int64_t slot) const;
  void finish();

  void add(Action action) { plan_.actions.push_back(std::move(action)); }
  const PodFailures* failures_of(const std::string& group) const;

  const Declaration& declaration_;
  const std::optional<RayClusterSpec> sized_;
  const RayClusterSpec& spec_;
  const ClusterObserved& observed_;
  const std::string& agent_id_;
  Instant now_;
  WallTime wall_;
  const ConfigMapView* anchor_ = nullptr;
  ClusterState state_;
  OwnerFacts owner_;
  Census census_;
  bool service_present_ = false;
  bool failing_ = false;
  const PodView* name_holder_ = nullptr;
  std::string token_problem_;
  bool token_name_is_taken_ = false;
  std::string restarting_;
  Plan plan_;
};

Plan Round::run() {
  const auto& anchor = observed_.anchor.value();
  if (!anchor) {
    create_anchor();
    return std::move(plan_);
  }
  anchor_ = &*anchor;
  if (anchor_->meta.terminating)
    return stopped_plan(Phase::Progressing, "AnchorLeaving",
                        "its anchor is being deleted; it is made again once that is done");
  state_ = anchored_state(*anchor_);
  owner_ = {agent_id_, anchor_->meta.key.name, anchor_->meta.uid};
  census_ = take_census(observed_.pods.value(), spec_, owner_.anchor_uid, state_.incarnation);
  if (save_anchor()) return std::move(plan_);

  save_scaling();
  plan_belongings();
  plan_leaving();
  if (spec_.suspend) {
    plan_suspended();
  } else {
    plan_head();
    plan_workers();
  }
  finish();
  return std::move(plan_);
}

void Round::create_anchor() {
  Result<Document> body =
      anchor_body(declaration_, {.incarnation = 1, .scaling = wanted_scaling()}, agent_id_);
  if (!body) {
    plan_ = stopped_plan(Phase::Blocked, name_of(body.error().code), describe(body.error()));
    return;
  }
  const ResourceKey target = anchor_key(declaration_.key);
  const auto refusal = observed_.refusals.find(target);
  if (refusal == observed_.refusals.end())
    plan_ = stopped_plan(Phase::Applying, "CreatingAnchor", "its anchor is being created");
  else if (refusal->second.error.code == ErrorCode::AlreadyExists)
    plan_ = stopped_plan(Phase::Blocked, "NameTaken",
                         to_string(target) + " exists and is not ours; rename or delete it");
  else
    plan_ = stopped_plan(Phase::Degraded, "WriteRefused",
                         to_string(target) + ": " + describe(refusal->second.error));
  add({.verb = Verb::Create,
       .target = target,
       .body = std::move(*body),
       .preconditions = {},
       .wave = k_wave_anchor,
       .reason = "the cluster is declared and has no anchor yet"});
}

// The document and the incarnation are saved before anything that relies on them. True when a save
// is needed: then nothing else is done in this round.
bool Round::save_anchor() {
  const std::string restart = spec_.suspend ? std::string{} : why_restart();
  const bool changed = anchor_->spec_hash != declaration_.spec_hash;
  if (!changed && restart.empty()) return false;
  if (!restart.empty()) ++state_.incarnation;
  state_.scaling = wanted_scaling();
  Result<Document> body = anchor_body(declaration_, state_, agent_id_, anchored_owner(*anchor_));
  if (!body) {
    plan_ = stopped_plan(Phase::Blocked, name_of(body.error().code), describe(body.error()));
    return true;
  }
  const std::string reason =
      restart.empty() ? "its document changed" : "the cluster restarts as a whole: " + restart;
  plan_ = stopped_plan(Phase::Applying, restart.empty() ? "DocumentChanged" : "Restarting", reason);
  add(anchor_save(std::move(*body), reason));
  report_refusal(plan_, Phase::Degraded, observed_);
  return true;
}

Document Round::wanted_scaling() const {
  return observed_.scaling ? observed_.scaling->state : Document{};
}

// The rest of the round follows from what was saved before, so it need not wait for this.
void Round::save_scaling() {
  const Document wanted = wanted_scaling();
  if (state_.scaling == wanted) return;
  state_.scaling = wanted;
  Result<Document> body = anchor_body(declaration_, state_, agent_id_, anchored_owner(*anchor_));
  if (body) add(anchor_save(std::move(*body), "the autoscaler has decided"));
}

Action Round::anchor_save(Document body, std::string reason) const {
  return {.verb = Verb::Replace,
          .target = anchor_->meta.key,
          .body = std::move(body),
          .preconditions = {.uid = anchor_->meta.uid,
                            .resource_version = anchor_->meta.resource_version},
          .wave = k_wave_anchor,
          .reason = std::move(reason)};
}

std::string Round::why_restart() const {
  const bool workers = std::any_of(census_.groups.begin(), census_.groups.end(),
                                   [](const auto& entry) { return !entry.second.empty(); });
  if (census_.head == nullptr) return workers ? "its head pod is gone" : std::string{};
  if (has_failed(*census_.head) && workers) return "its head pod failed: " + census_.head->problem;
  // What runs goes on until the token is there that everything is to have.
  if (waits_for_token()) return {};
  if (!has_token(belongings_input()))
    return "the Secret with its token is gone, and its pods know no other";
  if (census_.head->runtime_hash != spec_.head.runtime_hash)
    return "the Ray version or the head's image changed";
  if (census_.head->template_hash != spec_.head.template_hash) return "the head's template changed";
  for (const GroupSpec& group : spec_.workers)
    for (const PodView* pod : census_.groups.at(group.name))
      if (pod->runtime_hash != group.runtime_hash)
        return "the Ray version or the image of group " + group.name + " changed";
  return {};
}

// It did not have one of ours so far.
bool Round::waits_for_token() const {
  return census_.head != nullptr && census_.head->template_hash != spec_.head.template_hash &&
         !has_token(belongings_input());
}

void Round::plan_belongings() {
  Belongings belongings = raycluster::plan_belongings(belongings_input());
  service_present_ = belongings.head_service_present;
  token_problem_ = std::move(belongings.token_problem);
  token_name_is_taken_ = belongings.token_name_is_taken;
  for (Action& action : belongings.actions) add(std::move(action));
}

BelongingsInput Round::belongings_input() const {
  return {.declaration = &declaration_,
          .spec = &spec_,
          .owner = &owner_,
          .observed = &observed_,
          .has_head_with_token =
              census_.head != nullptr && census_.head->template_hash == spec_.head.template_hash};
}

// Workers leave first, the head last, so that running tasks can end in an orderly way.
void Round::plan_leaving() {
  bool workers_remain = false;
  for (const PodView* pod : census_.outdated) {
    if (pod->group == k_head_group_name) continue;
    workers_remain = true;
    add(delete_action(pod->meta, k_wave_leaving, "the cluster restarts as a whole"));
  }
  for (const PodView* pod : census_.outdated)
    if (pod->group == k_head_group_name && !workers_remain && !workers_are_ending())
      add(delete_action(pod->meta, k_wave_leaving, "the cluster restarts as a whole"));
  plan_scale_down();
  for (const PodView* pod : census_.undeclared)
    if (pod->group == k_head_group_name || !observed_.scaling)
      add(delete_action(pod->meta, k_wave_leaving,
                        pod->group == k_head_group_name ? "the cluster has another head"
                                                        : "its group is no longer in the file"));
  if (!census_.outdated.empty()) restarting_ = "the cluster as a whole";
}

// Whether a removal is saved, drained and ready to be deleted, the autoscaler has found out.
void Round::plan_scale_down() {
  if (!observed_.scaling) return;
  const auto& deletions = observed_.scaling->deletions;
  for (const PodView& pod : observed_.pods.value()) {
    const auto found = deletions.find(pod.meta.uid);
    if (found == deletions.end() || pod.meta.terminating) continue;
    if (pod.meta.owner_uid == owner_.anchor_uid)
      add(delete_action(pod.meta, k_wave_leaving, found->second));
  }
}

// Looks again when that is over: nothing may happen by then.
bool Round::workers_are_ending() {
  const std::optional<Duration> left = workers_end_within(census_, wall_);
  if (left) look_again_at(plan_, now_ + *left);
  return left.has_value();
}

void Round::plan_suspended() {
  bool workers_remain = false;
  for (const auto& [group, pods] : census_.groups)
    for (const PodView* pod : pods) {
      workers_remain = true;
      add(delete_action(pod->meta, k_wave_leaving, "the cluster is suspended"));
    }
  if (census_.head != nullptr && !workers_remain && !workers_are_ending())
    add(delete_action(census_.head->meta, k_wave_leaving, "the cluster is suspended"));
}

void Round::plan_head() {
  const PodFailures* failures = failures_of(k_head_group_name);
  const std::optional<Instant> due = replacement_due(failures);
  const bool waits = due && *due > now_;
  if (census_.head != nullptr) {
    if (!has_failed(*census_.head)) return;
    failing_ = true;
    if (waits)
      look_again_at(plan_, due);
    else
      add(delete_action(census_.head->meta, k_wave_leaving, "it failed: " + census_.head->problem));
    return;
  }
  const std::string name = head_pod_name(declaration_.key.name);
  for (const PodView& pod : observed_.pods.value()) {
    if (pod.meta.key.name != name) continue;
    const bool is_ours = pod.meta.owner_uid == owner_.anchor_uid;
    if (!is_ours || pod.meta.terminating) name_holder_ = &pod;
    return;
  }
  if (failures != nullptr) failing_ = true;
  if (waits) return look_again_at(plan_, due);
  if (!has_token(belongings_input())) return;
  const ResourceKey target{ResourceType::Pod, declaration_.key.ns, name};
  add({.verb = Verb::Create,
       .target = target,
       .body = head_pod_body(declaration_, spec_, owner_, state_.incarnation),
       .preconditions = {},
       .wave = k_wave_head,
       .reason = "the head pod is missing"});
}

// No worker before its head: a worker without one waits in vain, and a head that is missing beside
// workers must mean that it was lost.
void Round::plan_workers() {
  if (census_.head == nullptr || has_failed(*census_.head) || waits_for_token()) return;
  const bool restarts = std::any_of(spec_.workers.begin(), spec_.workers.end(),
                                    [&](const GroupSpec& group) { return is_outdated(group); });
  bool may_restart = true;
  for (const GroupSpec& group : spec_.workers) {
    if (is_outdated(group))
      restarting_ += (restarting_.empty() ? "group " : ", group ") + group.name +
                     (may_restart ? "" : " (waits until those before it are ready)");
    const GroupDecision decision = plan_group(group, may_restart);
    if (restarts && holds_back(group, decision)) may_restart = false;
  }
}

// A group that is coming up holds the next one's restart back, so that one at a time is away; not
// for ever, though: what it needs to come up may be in the very change that waits.
bool Round::holds_back(const GroupSpec& group, const GroupDecision& decision) {
  if (decision.settled) return false;
  if (is_outdated(group) || decision.filling) return true;
  bool young = false;
  for (const PodView* pod : census_.groups.at(group.name)) {
    const WallTime due = pod->meta.created_at + k_group_patience;
    if (pod->ready || due <= wall_) continue;
    young = true;
    look_again_at(plan_, now_ + (due - wall_));
  }
  return young;
}

bool Round::is_outdated(const GroupSpec& group) const {
  const Pods& pods = census_.groups.at(group.name);
  return std::any_of(pods.begin(), pods.end(),
                     [&](const PodView* pod) { return pod->template_hash != group.template_hash; });
}

// Its actions are in the plan; what is answered says how far the group has come.
GroupDecision Round::plan_group(const GroupSpec& group, bool may_restart) {
  const std::string& cluster = declaration_.key.name;
  const GroupInput input{.facts = {.cluster = cluster,
                                   .group = &group,
                                   .lost = lost_replicas(observed_, census_),
                                   .foreign_slots = foreign_slots(census_, cluster, group.name)},
                         .pods = &census_.groups.at(group.name),
                         .taken_slots = taken_slots(observed_, cluster, group.name),
                         .creating = creating_slots(observed_, cluster, group.name),
                         .creates_max = observed_.creates_max,
                         .failures = failures_of(group.name),
                         .refusal = refusal_of(observed_, cluster, group.name),
                         .scaling = observed_.scaling ? &*observed_.scaling : nullptr,
                         .may_restart = may_restart};
  const GroupDecision decision = decide_group(input, now_);
  for (const Leaving& leaving : decision.leaving)
    add(delete_action(leaving.pod->meta, k_wave_leaving, leaving.reason));
  for (const std::int64_t slot : decision.slots) add(create_worker(group, slot));
  look_again_at(plan_, decision.waits_until);
  failing_ = failing_ || (!decision.settled && input.failures != nullptr);
  return decision;
}

Action Round::create_worker(const GroupSpec& group, std::int64_t slot) const {
  const std::string name = worker_pod_name(declaration_.key.name, group.name, slot);
  return {
      .verb = Verb::Create,
      .target = {ResourceType::Pod, declaration_.key.ns, name},
      .body = worker_pod_body(declaration_, spec_, group, owner_,
                              {.pod_name = name, .slot = slot, .incarnation = state_.incarnation}),
      .preconditions = {},
      .wave = k_wave_workers,
      .reason = "group " + group.name + " wants " + std::to_string(wanted_pods(group)) +
                (wanted_pods(group) == 1 ? " worker" : " workers")};
}

const PodFailures* Round::failures_of(const std::string& group) const {
  const auto found = observed_.failures.find(group);
  return found == observed_.failures.end() ? nullptr : &found->second;
}

void Round::finish() {
  sort_actions(plan_.actions);
  describe_health({.spec = &spec_,
                   .census = &census_,
                   .observed = &observed_,
                   .service_present = service_present_,
                   .restarting = restarting_,
                   .failing = failing_,
                   .name_holder = name_holder_,
                   .token_problem = token_problem_,
                   .token_name_is_taken = token_name_is_taken_},
                  plan_);
}

}  // namespace

Plan reconcile(const Declaration& declaration, const ClusterObserved& observed,
               const std::string& agent_id, Now now) {
  if (const auto unknown = first_unknown(observed))
    return stopped_plan(Phase::Pending, "NotYetKnown", *unknown);
  if (makes_token(std::get<RayClusterSpec>(declaration.spec)) && !observed.secrets.is_known())
    return stopped_plan(Phase::Pending, "NotYetKnown", observed.secrets.why());
  return Round(declaration, observed, agent_id, now).run();
}

}  // namespace ray_gitops::raycluster
