#include "reconcilers/parent/parent_round.h"

#include <algorithm>
#include <tuple>

#include "reconcilers/manifest/names.h"

namespace ray_gitops::parent {

Plan not_yet_known(Phase phase, const std::string& why) {
  Plan plan;
  plan.phase = phase;
  plan.reason = "NotYetKnown";
  plan.message = why;
  plan.clusters_undecided = true;
  return plan;
}

std::string edit_of(const Declaration& declaration) {
  constexpr std::size_t k_digits = 7;
  const std::string& commit = declaration.provenance.commit;
  return commit.empty() ? "the edit" : "the edit of commit " + commit.substr(0, k_digits);
}

void ParentRound::close_plan() {
  std::sort(plan_.actions.begin(), plan_.actions.end(),
            [](const Action& left, const Action& right) {
              return std::tie(left.wave, left.target, left.verb) <
                     std::tie(right.wave, right.target, right.verb);
            });
  report_refusal();
}

// What keeps a write from being done is what there is to say.
void ParentRound::report_refusal() {
  for (const Action& action : plan_.actions) {
    const auto found = refusals_.find(action.target);
    if (found == refusals_.end()) continue;
    const Error& error = found->second.error;
    const bool taken = action.verb == Verb::Create && error.code == ErrorCode::AlreadyExists;
    if (plan_.phase != Phase::Removing) plan_.phase = taken ? Phase::Blocked : Phase::Degraded;
    plan_.reason = taken ? "NameTaken" : "WriteRefused";
    plan_.message =
        to_string(action.target) + (taken ? " exists and is not ours; rename or delete it"
                                          : ": " + describe(error) + " (" + plan_.message + ")");
    return;
  }
}

bool ParentRound::is_leaving(const ConfigMapView& anchor) {
  anchor_ = &anchor;
  if (anchor.meta.terminating) leave_clusters_as_they_are();
  return anchor.meta.terminating;
}

void ParentRound::say(Phase phase, std::string reason, std::string message) {
  plan_.phase = phase;
  plan_.reason = std::move(reason);
  plan_.message = std::move(message);
}

void ParentRound::look_again_at(Instant when) {
  if (!plan_.next_look_at || when < *plan_.next_look_at) plan_.next_look_at = when;
}

void ParentRound::look_again_at(WallTime when) {
  look_again_at(now_.monotonic + std::max(when - now_.wall, Duration{0}));
}

bool ParentRound::refuse_body(const Result<Document>& body) {
  if (body) return false;
  say(Phase::Blocked, name_of(body.error().code), describe(body.error()));
  return true;
}

void ParentRound::create(const ResourceKey& target, const Result<Document>& body,
                         std::string reason) {
  if (refuse_body(body)) return;
  add({.verb = Verb::Create,
       .target = target,
       .body = *body,
       .preconditions = {},
       .wave = 0,
       .reason = std::move(reason)});
}

void ParentRound::replace(const ObjectMeta& live, const Result<Document>& body,
                          std::string reason) {
  if (refuse_body(body)) return;
  add({.verb = Verb::Replace,
       .target = live.key,
       .body = *body,
       .preconditions = {.uid = live.uid, .resource_version = live.resource_version},
       .wave = 0,
       .reason = std::move(reason)});
}

void ParentRound::apply(const ResourceKey& target, const std::string& uid, Document body,
                        std::string reason) {
  add({.verb = Verb::Apply,
       .target = target,
       .body = std::move(body),
       .preconditions = {.uid = uid, .resource_version = {}},
       .wave = 0,
       .reason = std::move(reason)});
}

void ParentRound::remove(const ObjectMeta& live, std::string reason) {
  add({.verb = Verb::Delete,
       .target = live.key,
       .body = {},
       .preconditions = {.uid = live.uid, .resource_version = {}},
       .wave = 0,
       .reason = std::move(reason)});
}

Result<Document> ParentRound::cluster_body(const Declaration& child,
                                           const ClusterState& state) const {
  return anchor_body(child, state, agent_id_, {anchor_->meta.key.name, anchor_->meta.uid});
}

void ParentRound::create_child(const Declaration& child, std::string reason) {
  create(anchor_key(child.key), cluster_body(child, ClusterState{}), std::move(reason));
}

void ParentRound::update_child(const ConfigMapView& live, const Declaration& child,
                               std::string reason) {
  if (live.spec_hash == child.spec_hash) return;
  replace(live.meta, cluster_body(child, anchored_state(live)), std::move(reason));
}

// A child whose key was edited away is nobody's to reconcile: its anchor goes, and all that it
// owns.
void ParentRound::retire(const ConfigMapView& child, std::string reason) {
  if (const Result<ObjectKey> key = anchored_key(child))
    plan_.retirements.push_back({*key, std::move(reason)});
  else if (!child.meta.terminating)
    remove(child.meta, std::move(reason));
}

}  // namespace ray_gitops::parent
