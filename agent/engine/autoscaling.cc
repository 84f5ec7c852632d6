#include "agent/engine/autoscaling.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/report.h"
#include "reconcilers/autoscaler/why.h"
#include "reconcilers/manifest/anchor.h"
#include "reconcilers/raycluster/backoff.h"

namespace ray_gitops::engine {
namespace {

constexpr Duration k_first_retry = std::chrono::seconds(1);
constexpr Duration k_longest_retry = std::chrono::seconds(30);

// Alike but for what passes by: versions and times.
bool says_the_same(AutoscalingReport left, AutoscalingReport right) {
  for (AutoscalingReport* report : {&left, &right}) {
    report->seen_version = report->state_version = 0;
    for (PendingGroupRequest& request : report->pending_requests) request.requested_at = {};
  }
  return left == right;
}

}  // namespace

// Another life of the head is another Ray: nothing that was said before holds.
void Autoscaling::meet(Talk& talk, const RayClusterSpec& spec, const ClusterObserved& observed,
                       Now now) {
  const auto& anchor = observed.anchor.value();
  const auto head =
      anchor ? autoscaler::head_gcs(spec, observed.pods.value(), *anchor) : std::nullopt;
  const autoscaler::HeadGcs gcs = head.value_or(autoscaler::HeadGcs{});
  if (gcs.uid != talk.head_uid) {
    Talk fresh;
    fresh.head_uid = gcs.uid;
    fresh.active_at = now.monotonic;
    fresh.queued = talk.queued;
    fresh.groups = std::move(talk.groups);
    fresh.troubles = std::move(talk.troubles);
    talk = std::move(fresh);
  }
  talk.address = gcs.address;
  talk.token_secret = gcs.token_secret;
  talk.guard.agent_started_at = *started_at_;
}

autoscaler::RoundInput Autoscaling::input_for(Talk& talk, const Declaration& declaration,
                                              const ClusterObserved& observed, Now now) {
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  const auto& anchor = observed.anchor.value();
  autoscaler::RoundInput input;
  input.spec = &spec;
  input.troubles = talk.troubles.remember(
      raycluster::groups_in_trouble(declaration.key, spec, observed, now), now.monotonic);
  if (anchor) {
    input.saved = autoscaler::saved_state(*anchor);
    input.pods = autoscaler::worker_pods(observed.pods.value(), anchor->meta.uid,
                                         anchored_state(*anchor).incarnation);
  }
  const std::string version = anchor ? anchor->meta.resource_version : std::string{};
  input.plans = talk.has_news || talk.planned_of != declaration.spec_hash ||
                talk.unsaved_of == std::optional(version);
  if (talk.state)
    input.state = Known<RayResourceState>{*talk.state};
  else
    input.state = Unknown{talk.silence.empty() ? "the head has not been asked yet" : talk.silence};
  input.state_seen_at = talk.state_seen_at;
  input.talks = talk.drains;
  std::erase_if(talk.refused, [&](const auto& each) { return each.second.first <= now.monotonic; });
  for (const auto& [pod, refusal] : talk.refused) input.refused[pod] = refusal.second;
  input.guard = talk.guard;
  input.now = now;
  return input;
}

void Autoscaling::take_step(Talk& talk, const autoscaler::RoundInput& input,
                            const autoscaler::Round& round) {
  const Instant now = input.now.monotonic;
  const Duration pause = std::max(autoscaler::k_refusal_least, input.spec->idle_timeout / 2);
  for (const autoscaler::GivenUp& each : round.step.given_up)
    if (each.refused) talk.refused[each.pod] = {now + pause, each.reason};
  const std::set<std::string> known = std::exchange(talk.leaving, {});
  std::set<std::string> pods;
  for (const autoscaler::Removal& removal : input.saved.removals) {
    // Its drain follows from a newer answer than the one it was decided on.
    if (!known.contains(removal.uid)) talk.ask_at = now;
    talk.leaving.insert(removal.uid);
    pods.insert(removal.pod);
  }
  std::erase_if(talk.drains, [&](const auto& each) { return !pods.contains(each.first); });
  for (const std::string& pod : round.step.drained) talk.drains.erase(pod);
  talk.drains_to_send.clear();
  if (!round.drains_are_saved) return;
  for (std::size_t index = 0; index < round.step.drains.size(); ++index)
    talk.drains_to_send.emplace_back(round.step.drained[index], round.step.drains[index]);
}

void Autoscaling::take_decision(Talk& talk, const autoscaler::RoundInput& input,
                                const autoscaler::Round& round) {
  const std::map<std::string, WallTime> before = talk.troubled_since;
  for (const auto& [group, why] : input.troubles)
    talk.troubled_since.try_emplace(group, input.now.wall);
  std::erase_if(talk.troubled_since,
                [&](const auto& each) { return !input.troubles.contains(each.first); });
  talk.guard.admitted.insert(talk.guard.admitted.end(), round.admission.removals.size(),
                             input.now.monotonic);
  std::erase_if(talk.guard.admitted, [&](Instant since) {
    return input.now.monotonic - since >= autoscaler::k_removal_window;
  });
  AutoscalingReport report =
      autoscaler::make_report(*round.planned, *round.decision, talk.troubled_since, input.now.wall);
  if (!talk.report || !says_the_same(*talk.report, report)) talk.report_told = false;
  talk.report = std::move(report);
  ClusterShape shape = autoscaler::cluster_shape(round.planned->groups);
  if (talk.shape != shape) talk.shape_told = false;
  talk.shape = std::move(shape);
  std::erase_if(talk.groups,
                [&](const auto& each) { return !round.decision->groups.contains(each.first); });
  for (const auto& [group, decided] : round.decision->groups) {
    auto& [target, reason] = talk.groups[group];
    const bool turned = before.contains(group) != talk.troubled_since.contains(group);
    if (reason.empty() || turned || target != decided.target.replicas) reason = decided.reason;
    target = decided.target.replicas;
  }
  talk.unplaced = autoscaler::unplaced_demand(*round.decision);
}

ClusterScaling Autoscaling::decide(const Declaration& declaration, const ClusterObserved& observed,
                                   Now now) {
  if (!started_at_) started_at_ = now.monotonic;
  Talk& talk = talks_[declaration.key];
  meet(talk, std::get<RayClusterSpec>(declaration.spec), observed, now);
  autoscaler::RoundInput input = input_for(talk, declaration, observed, now);
  const autoscaler::Round round = decide_within_allowance(talk, declaration, input);
  take_step(talk, input, round);
  const bool is_active = autoscaler::is_active(input, round) || round.next != input.saved;
  if (is_active) {
    talk.active_at = now.monotonic;
    // A head that does not answer is left alone for as long as it was silent.
    if (talk.silences == 0) talk.ask_at = std::min(talk.ask_at, now.monotonic + poll_pause(false));
  }
  if (round.decision) {
    take_decision(talk, input, round);
    talk.has_news = false;
    talk.planned_of = declaration.spec_hash;
    talk.unsaved_of.reset();
    if (round.next != input.saved) talk.unsaved_of = observed.anchor.value()->meta.resource_version;
  }
  const Deadline idle_look =
      talk.state ? autoscaler::next_idle_look(*input.spec, *talk.state, talk.state_seen_at)
                 : std::nullopt;
  if (idle_look) talk.ask_at = std::min(talk.ask_at, *idle_look);
  const bool has_wishes = round.decision ? !round.decision->removals.empty() : talk.is_restless;
  talk.is_restless = is_active || idle_look || has_wishes || talk.waits || !talk.refused.empty() ||
                     !input.troubles.empty();
  ClusterScaling scaling;
  scaling.targets = autoscaler::targets_in_force(*input.spec, input.saved, round.next);
  scaling.leaving = talk.leaving;
  for (const autoscaler::PodDeletion& each : round.step.deletions)
    scaling.deletions[each.uid] = each.reason;
  scaling.state = autoscaler::scale_state_document(round.next);
  return scaling;
}

void Autoscaling::send(const ObjectKey& cluster, Now now, Effects& effects) {
  const auto found = talks_.find(cluster);
  if (found == talks_.end()) return;
  queue(cluster, found->second);
  if (found->second.address.empty()) return;
  Talk& talk = found->second;
  send_drains(cluster, talk, now, effects);
  tell(cluster, talk, effects);
  ask_state(cluster, talk, now, effects);
}

std::vector<ObjectKey> Autoscaling::whose_turn(Now now) const {
  std::vector<ObjectKey> clusters;
  if (due_.empty() || due_.begin()->first > now.monotonic) return clusters;
  const Instant early = now.monotonic + poll_pause(true) / k_early_part;
  for (const auto& [at, cluster] : due_) {
    if (at > early) break;
    const Talk& talk = talks_.at(cluster);
    const bool may_be_early = !talk.is_restless && talk.silences == 0;
    if (at <= now.monotonic || may_be_early) clusters.push_back(cluster);
  }
  return clusters;
}

void Autoscaling::pump(Now now, Effects& effects) {
  for (const ObjectKey& cluster : whose_turn(now)) {
    Talk& talk = talks_.at(cluster);
    talk.ask_at = std::min(talk.ask_at, now.monotonic);
    if (!talk.address.empty()) ask_state(cluster, talk, now, effects);
    queue(cluster, talk);
  }
}

Deadline Autoscaling::deadline() const {
  return due_.empty() ? std::nullopt : Deadline{due_.begin()->first};
}

// Moves the head's place in the queue of questions. One that is being asked, or cannot be, has
// none.
void Autoscaling::queue(const ObjectKey& cluster, Talk& talk) {
  if (talk.queued) due_.erase({*talk.queued, cluster});
  talk.queued = talk.asking || talk.address.empty() ? std::nullopt : Deadline{talk.ask_at};
  if (talk.queued) due_.insert({*talk.queued, cluster});
}

void Autoscaling::ask(const Talk& talk, Asked asked, decltype(GcsRequest::body) body,
                      Effects& effects) {
  const std::uint64_t id = next_id_++;
  effects.push_back(AskGcs{
      id,
      {to_string(asked.cluster), talk.head_uid, talk.address, std::move(body), talk.token_secret}});
  under_way_[id] = std::move(asked);
}

void Autoscaling::ask_state(const ObjectKey& cluster, Talk& talk, Now now, Effects& effects) {
  if (talk.asking || talk.ask_at > now.monotonic) return;
  talk.asking = true;
  queue(cluster, talk);
  ask(talk, {cluster, talk.head_uid, {}, true}, GetResourceState{}, effects);
}

void Autoscaling::send_drains(const ObjectKey& cluster, Talk& talk, Now now, Effects& effects) {
  std::size_t in_flight = static_cast<std::size_t>(std::count_if(
      talk.drains.begin(), talk.drains.end(), [](const auto& each) { return !each.second.reply; }));
  for (auto& [pod, request] : std::exchange(talk.drains_to_send, {})) {
    if (in_flight >= k_drains_in_flight_max) break;
    ++in_flight;
    talk.drains[pod] = {now.monotonic, std::nullopt};
    log(effects, LogLevel::Info, "a Ray node is drained",
        {{"object", to_string(cluster)}, {"pod", pod}, {"reason", request.message}});
    ask(talk, {cluster, talk.head_uid, pod, false}, std::move(request), effects);
  }
}

// One at a time, in the order in which they were decided.
void Autoscaling::tell(const ObjectKey& cluster, Talk& talk, Effects& effects) {
  if (talk.telling) return;
  if (talk.shape && !talk.shape_told) {
    talk.shape_told = talk.telling = true;
    ask(talk, {cluster, talk.head_uid, {}, false}, *talk.shape, effects);
  } else if (talk.report && !talk.report_told) {
    talk.report_told = talk.telling = true;
    ask(talk, {cluster, talk.head_uid, {}, false}, *talk.report, effects);
  }
}

std::optional<ObjectKey> Autoscaling::on(const GcsAnswered& event, Now now, Effects& effects) {
  const auto asked = under_way_.extract(event.request_id);
  if (asked.empty()) return std::nullopt;
  const Asked& about = asked.mapped();
  const auto found = talks_.find(about.cluster);
  if (found == talks_.end() || found->second.head_uid != about.head_uid) return std::nullopt;
  Talk& talk = found->second;
  if (about.is_state) {
    if (!event.reply && talk.silences == 0)
      log(effects, LogLevel::Warning, "a Ray head's GCS does not answer",
          {{"object", to_string(about.cluster)}, {"error", describe(event.reply.error())}});
    const bool is_news = learn_state(talk, event.reply, now);
    queue(about.cluster, talk);
    return is_news ? std::optional(about.cluster) : std::nullopt;
  }
  if (about.drained_pod.empty()) {
    // What was not heard is told again with the next decision.
    talk.telling = false;
    if (!event.reply) {
      talk.shape.reset();
      talk.report.reset();
    }
  } else if (const auto drain = talk.drains.find(about.drained_pod); drain != talk.drains.end()) {
    if (event.reply) drain->second.reply = std::get<DrainReply>(*event.reply);
    talk.ask_at = now.monotonic;  // what came of it
    queue(about.cluster, talk);
  }
  return about.cluster;
}

Duration Autoscaling::poll_pause(bool is_quiet) const {
  const auto heads = static_cast<std::int64_t>(talks_.size());
  const std::int64_t a_second = is_quiet ? k_polls_quiet_per_second : k_polls_active_per_second;
  const Duration share = Duration{std::chrono::seconds(heads)} / a_second;
  return std::clamp(share, k_poll_least, is_quiet ? k_poll_quiet : k_poll_active);
}

bool Autoscaling::learn_state(Talk& talk, const Result<GcsReply>& reply, Now now) const {
  talk.asking = false;
  if (!reply) {
    talk.state.reset();
    talk.silence = "its head does not answer: " + describe(reply.error());
    talk.guard.read_failed_at = now.monotonic;
    talk.ask_at = now.monotonic + backoff(k_first_retry, k_longest_retry, ++talk.silences);
    return true;
  }
  const auto& state = std::get<RayResourceState>(*reply);
  if (!talk.guard.session_seen_at || talk.session != state.session) {
    talk.guard.session_seen_at = now.monotonic;
    talk.shape_told = talk.report_told = false;
  }
  talk.session = state.session;
  talk.silences = 0;
  talk.silence.clear();
  const bool is_news =
      talk.is_restless || !talk.state || !autoscaler::says_the_same(*talk.state, state);
  talk.has_news = true;
  talk.state = state;
  talk.state_seen_at = now.monotonic;
  talk.ask_at = now.monotonic + poll_pause(now.monotonic - talk.active_at >= k_quiet_after);
  return is_news;
}

Document Autoscaling::summary_of(const ObjectKey& cluster) const {
  const auto found = talks_.find(cluster);
  if (found == talks_.end() || found->second.groups.empty()) return {};
  nlohmann::json groups = nlohmann::json::array();
  for (const auto& [name, decided] : found->second.groups)
    groups.push_back({{"name", name}, {"target", decided.first}, {"reason", decided.second}});
  nlohmann::json summary{{"groups", std::move(groups)}};
  if (!found->second.unplaced.empty()) summary["unplaced"] = found->second.unplaced;
  return Document{std::move(summary)};
}

bool Autoscaling::is_leaving(const ObjectKey& cluster, const std::string& pod_uid) const {
  const auto found = talks_.find(cluster);
  return found != talks_.end() && found->second.leaving.contains(pod_uid);
}

void Autoscaling::forget(const ObjectKey& cluster) {
  const auto found = talks_.find(cluster);
  if (found == talks_.end()) return;
  if (found->second.queued) due_.erase({*found->second.queued, cluster});
  talks_.erase(found);
}

}  // namespace ray_gitops::engine
