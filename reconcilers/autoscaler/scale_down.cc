#include "reconcilers/autoscaler/scale_down.h"

#include <algorithm>
#include <set>
#include <utility>

namespace ray_gitops::autoscaler {
namespace {

std::string unit_of(const std::string& group, const std::string& replica, const std::string& pod) {
  return replica.empty() ? "pod/" + pod : "replica/" + group + "/" + replica;
}
std::string unit_of(const Removal& removal) {
  return unit_of(removal.group, removal.replica, removal.pod);
}

enum class Sight : std::uint8_t {
  Runs,      // not drained, in use
  Idles,     // not drained, idle
  Draining,  // no new work, and work is left
  Quiet,     // draining, and nothing is left
  Gone,      // dead, or no longer there
  Replaced,  // another node is in the pod
  TooOld     // the snapshot is not later than the decision
};

bool is_irrevocable(Sight sight) { return sight >= Sight::Draining && sight <= Sight::Gone; }

// A node that has reported nothing yet may do anything.
bool is_quiet(const RayNode& node) {
  return node.activity.empty() && !node.total.empty() && node.available == node.total;
}

Sight sight_of(const Removal& removal, const WorkerPod& pod, const RayResourceState& state) {
  const std::vector<const RayNode*> nodes = nodes_of(pod, state);
  for (const RayNode* node : nodes)
    if (node->node_id != removal.node_id) return Sight::Replaced;
  if (state.version <= removal.version) return Sight::TooOld;
  if (nodes.empty()) return Sight::Gone;
  const RayNode& node = *nodes.front();
  if (node.status == RayNodeStatus::Draining)
    return is_quiet(node) ? Sight::Quiet : Sight::Draining;
  return node.status == RayNodeStatus::Idle ? Sight::Idles : Sight::Runs;
}

// Of one look at all removals.
class Advance {
 public:
  explicit Advance(const ScaleDownInput& input) : input_(input) { out_.removals = input.removals; }

  ScaleDownStep run() {
    if (!input_.pods.is_known()) return wait_all(input_.pods.why());
    forget_gone_pods();
    if (!input_.state.is_known()) return wait_all(input_.state.why());
    if (input_.now.monotonic - input_.state_seen_at > k_snapshot_age_max)
      return wait_all("the head has not answered lately");
    look();
    std::set<std::string> units;
    for (const auto& [removal, pod] : present_) units.insert(unit_of(removal));
    for (const std::string& unit : units) advance_unit(unit);
    return std::move(out_);
  }

 private:
  ScaleDownStep wait_all(const std::string& why) {
    for (const Removal& removal : out_.removals) out_.waiting.push_back({removal.pod, why});
    return std::move(out_);
  }

  const WorkerPod* pod_of(const Removal& removal) const {
    for (const WorkerPod& pod : input_.pods.value())
      if (pod.uid == removal.uid) return &pod;
    return nullptr;
  }
  void forget_gone_pods() {
    std::erase_if(out_.removals, [&](const Removal& removal) { return !pod_of(removal); });
  }
  void look() {
    for (const Removal& removal : out_.removals) {
      present_.emplace_back(removal, pod_of(removal));
      sights_[removal.pod] = sight_of(removal, *present_.back().second, input_.state.value());
    }
  }

  void advance_unit(const std::string& unit) {
    std::vector<const Removal*> members;
    for (const auto& [removal, pod] : present_)
      if (unit_of(removal) == unit) members.push_back(&removal);
    if (give_up_for_session(members)) return;
    bool holds = false;  // an earlier member's drain is not answered: the next ones are not sent
    for (const Removal* member : members) {
      if (!advance_member(*member, members, holds)) return;
    }
  }

  bool give_up_for_session(const std::vector<const Removal*>& members) {
    if (members.front()->session == input_.state.value().session) return false;
    for (const Removal* member : members) {
      if (!is_being_deleted(*member))
        give_up(*member, "the head has restarted since: its nodes are others", false);
    }
    return true;
  }
  bool is_being_deleted(const Removal& removal) const { return pod_of(removal)->terminating; }

  // false: the whole unit was given up.
  bool advance_member(const Removal& member, const std::vector<const Removal*>& members,
                      bool& holds) {
    if (is_being_deleted(member)) {
      wait(member, "it is being deleted");
      return true;
    }
    switch (sights_.at(member.pod)) {
      case Sight::TooOld:
        wait(member, "waits for a later answer of the head");
        holds = true;
        return true;
      case Sight::Replaced:
        return refuse(member, members, "another Ray node has started in it", false);
      case Sight::Gone:
        remove(member, member.node_id.empty() ? "it is no Ray node" : "its Ray node has ended");
        return true;
      case Sight::Quiet:
        if (is_known_to_be_quiet(member))
          remove(member, "its Ray node is drained");
        else
          wait(member, "its Ray node is draining, and may still have work");
        return true;
      case Sight::Draining:
        finish_draining(member);
        return true;
      case Sight::Idles:
      case Sight::Runs:
        return ask(member, members, holds);
    }
    return true;
  }

  // A head refuses to drain a node for idleness that is not idle, but any for preemption: a task
  // may have begun there that the node's last report did not have. Without a Talk nobody knows how
  // old that report is: the node ends by itself when it has no work.
  bool is_known_to_be_quiet(const Removal& member) const {
    if (member.drain == DrainReason::IdleTermination) return true;
    const auto talk = input_.talks.find(member.pod);
    return talk != input_.talks.end() &&
           input_.state_seen_at - talk->second.sent_at >= k_report_age_max;
  }

  void finish_draining(const Removal& member) {
    if (member.drain == DrainReason::Preemption && is_overdue(member))
      return remove(member, "its work has not ended within the drain's time");
    wait(member, "its Ray node is draining and has work left");
  }
  bool is_overdue(const Removal& member) const {
    return input_.now.wall >= member.decided_at + k_drain_budget;
  }

  // The node runs and takes work: what the drain has come to.
  bool ask(const Removal& member, const std::vector<const Removal*>& members, bool& holds) {
    const bool wants_idle = member.drain == DrainReason::IdleTermination;
    const auto talk = input_.talks.find(member.pod);
    if (talk == input_.talks.end()) {
      if (wants_idle && sights_.at(member.pod) == Sight::Runs)
        return refuse(member, members, "its Ray node is in use again", false);
      if (holds)
        wait(member, "waits for the other hosts of its replica");
      else
        send(member);
      holds = true;
      return true;
    }
    if (talk->second.reply && !talk->second.reply->accepted)
      return refuse(member, members, "the head refused: " + talk->second.reply->rejection, true);
    holds = holds || !talk->second.reply;
    if (input_.now.monotonic - talk->second.sent_at < k_drain_answer_max) {
      wait(member, talk->second.reply ? "waits for its Ray node to drain"
                                      : "waits for the head to answer the drain");
      return true;
    }
    if (wants_idle)
      return refuse(member, members, "its Ray node still runs after the drain was asked for", true);
    send(member);
    return true;
  }

  void send(const Removal& member) {
    DrainRequest request{member.node_id, member.session, member.drain, member.reason, {}};
    if (member.drain == DrainReason::Preemption)
      request.deadline = member.decided_at + k_drain_budget;
    out_.drains.push_back(std::move(request));
    out_.drained.push_back(member.pod);
  }

  // Not this one. A replica of which something is drained already is of no use: the rest follows
  // when its work has ended.
  bool refuse(const Removal& member, const std::vector<const Removal*>& members,
              const std::string& why, bool by_head) {
    const bool is_doomed = std::any_of(members.begin(), members.end(), [&](const Removal* other) {
      return other != &member && is_irrevocable(sights_.at(other->pod));
    });
    if (is_doomed && sights_.at(member.pod) != Sight::Replaced) {
      preempt(member, why);
      return true;
    }
    give_up(member, why, by_head);
    if (is_doomed) return true;
    for (const Removal* other : members)
      if (other != &member) give_up(*other, "another host of its replica stays", false);
    return false;
  }
  void preempt(const Removal& member, const std::string& why) {
    for (Removal& removal : out_.removals) {
      if (removal.pod != member.pod) continue;
      removal.drain = DrainReason::Preemption;
      removal.decided_at = input_.now.wall;
      removal.reason = "other hosts of its replica have left";
      send(removal);
    }
    wait(member, "follows the other hosts of its replica (" + why + ")");
  }

  void give_up(const Removal& member, const std::string& why, bool by_head) {
    const auto same = [&](const auto& each) { return each.pod == member.pod; };
    std::erase_if(out_.removals, same);
    std::erase_if(out_.waiting, same);
    for (std::size_t index = out_.drained.size(); index-- > 0;) {
      if (out_.drained[index] != member.pod) continue;
      out_.drained.erase(out_.drained.begin() + static_cast<std::ptrdiff_t>(index));
      out_.drains.erase(out_.drains.begin() + static_cast<std::ptrdiff_t>(index));
    }
    out_.given_up.push_back({member.pod, why, by_head});
  }
  void remove(const Removal& member, const std::string& evidence) {
    out_.deletions.push_back({member.pod, member.uid, member.reason + "; " + evidence});
  }
  void wait(const Removal& member, const std::string& why) {
    out_.waiting.push_back({member.pod, why});
  }

  const ScaleDownInput& input_;
  std::vector<std::pair<Removal, const WorkerPod*>> present_;
  std::map<std::string, Sight> sights_;  // by pod
  ScaleDownStep out_;
};

std::int64_t share_of(const std::vector<WorkerPod>& pods) {
  return std::max<std::int64_t>(1,
                                static_cast<std::int64_t>(pods.size()) / k_removal_share_divisor);
}

}  // namespace

std::optional<std::string> freeze_reason(const Guard& guard, const std::vector<WorkerPod>& pods,
                                         const RayResourceState& state, Instant now) {
  const auto is_recent = [&](Instant since) { return now - since < k_freeze; };
  if (is_recent(guard.agent_started_at)) return "the agent has just started";
  if (!guard.session_seen_at || is_recent(*guard.session_seen_at))
    return "the head has just started";
  if (guard.read_failed_at && is_recent(*guard.read_failed_at))
    return "pods or head could not be read lately";
  std::set<std::string> seen;
  for (const RayNode& node : state.nodes)
    if (node.status != RayNodeStatus::Dead)
      seen.insert(node.instance_id.empty() ? "ip/" + node.ip : node.instance_id);
  std::int64_t ready = 0;
  std::int64_t unseen = 0;
  for (const WorkerPod& pod : pods) {
    if (!pod.ready || pod.terminating || pod.ended) continue;
    ++ready;
    if (!seen.contains(pod.name) && !seen.contains("ip/" + pod.ip)) ++unseen;
  }
  if (unseen * k_unseen_share_divisor > ready)
    return "the head does not know " + std::to_string(unseen) + " of " + std::to_string(ready) +
           " ready pods";
  return std::nullopt;
}

Admission admit(const std::vector<RemovalWish>& wishes, const std::vector<Removal>& saved,
                const std::vector<WorkerPod>& pods, const RayResourceState& state,
                const Guard& guard, Now now) {
  Admission admission;
  const std::optional<std::string> frozen = freeze_reason(guard, pods, state, now.monotonic);
  std::int64_t taken =
      std::count_if(guard.admitted.begin(), guard.admitted.end(),
                    [&](Instant since) { return now.monotonic - since < k_removal_window; });
  std::set<std::string> known;
  for (const Removal& removal : saved) known.insert(removal.pod);
  std::map<std::string, std::vector<const RemovalWish*>> units;
  for (const RemovalWish& wish : wishes)
    if (!known.contains(wish.pod))
      units[unit_of(wish.group, wish.replica, wish.pod)].push_back(&wish);
  for (const auto& [unit, members] : units) {
    const std::int64_t running = std::count_if(
        members.begin(), members.end(), [](const auto* each) { return !each->node_id.empty(); });
    const bool fits = running == 0 || taken == 0 || taken + running <= share_of(pods);
    for (const RemovalWish* wish : members) {
      if (frozen || !fits)
        admission.waiting.push_back(
            {wish->pod, frozen.value_or("as many pods as may leave at once are leaving")});
      else
        admission.removals.push_back({wish->pod, wish->uid, wish->group, wish->replica,
                                      wish->node_id, state.session, state.version, wish->drain,
                                      now.wall, wish->reason});
    }
    if (!frozen && fits) taken += running;
  }
  std::sort(admission.removals.begin(), admission.removals.end(),
            [](const Removal& left, const Removal& right) { return left.pod < right.pod; });
  return admission;
}

ScaleDownStep advance(const ScaleDownInput& input) { return Advance(input).run(); }

}  // namespace ray_gitops::autoscaler
