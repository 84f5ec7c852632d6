// ScaleState as JSON, in the cluster's anchor (docs/autoscaler.md, "What is saved").

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/scale_down.h"
#include "reconcilers/manifest/json_members.h"

namespace ray_gitops::autoscaler {
namespace {

using nlohmann::json;

json removal_json(const Removal& removal) {
  json object = {{"pod", removal.pod},
                 {"uid", removal.uid},
                 {"group", removal.group},
                 {"nodeId", removal.node_id},
                 {"session", removal.session},
                 {"version", removal.version},
                 {"drain", name_of(removal.drain)},
                 {"decidedAt", removal.decided_at.milliseconds},
                 {"reason", removal.reason}};
  if (!removal.replica.empty()) object["replica"] = removal.replica;
  return object;
}

tl::unexpected<Error> unreadable(const std::string& what) {
  return fail(ErrorCode::InvalidInput, "the autoscaler's saved state has no readable " + what);
}

Result<DrainReason> parse_drain(const json& from) {
  for (const DrainReason reason : {DrainReason::IdleTermination, DrainReason::Preemption})
    if (text_of(from) == name_of(reason)) return reason;
  return unreadable("drain");
}

Result<Removal> parse_removal(const json& from) {
  Removal removal;
  removal.pod = text_of(member(from, "pod"));
  removal.uid = text_of(member(from, "uid"));
  removal.group = text_of(member(from, "group"));
  removal.replica = text_of(member(from, "replica"));
  removal.node_id = text_of(member(from, "nodeId"));
  removal.session = text_of(member(from, "session"));
  removal.reason = text_of(member(from, "reason"));
  removal.version = integer_of(member(from, "version"));
  removal.decided_at = {integer_of(member(from, "decidedAt"))};
  removal.drain = TRY(parse_drain(member(from, "drain")));
  if (removal.pod.empty() || removal.uid.empty()) return unreadable("pod or uid");
  if (!removal.node_id.empty() && !is_node_id(removal.node_id)) return unreadable("nodeId");
  return removal;
}

Result<GroupTarget> parse_target(const json& from) {
  const json& replicas = member(from, "replicas");
  const json& initial = member(from, "initial");
  if (!replicas.is_number_integer() || !initial.is_boolean()) return unreadable("target");
  return GroupTarget{std::max<std::int64_t>(0, integer_of(replicas)), initial.get<bool>()};
}

}  // namespace

Document scale_state_document(const ScaleState& state) {
  json targets = json::object();
  for (const auto& [group, target] : state.targets)
    targets[group] = {{"replicas", target.replicas}, {"initial", target.initial}};
  json removals = json::array();
  for (const Removal& removal : state.removals) removals.push_back(removal_json(removal));
  return Document{{{"targets", targets}, {"removals", removals}}};
}

Result<ScaleState> parse_scale_state(const Document& document) {
  const json& targets = member(document.json(), "targets");
  const json& removals = member(document.json(), "removals");
  if (!targets.is_object() || !removals.is_array()) return unreadable("targets or removals");
  ScaleState state;
  for (const auto& [group, target] : targets.items())
    state.targets[group] = TRY(parse_target(target));
  for (const json& removal : removals) state.removals.push_back(TRY(parse_removal(removal)));
  return state;
}

}  // namespace ray_gitops::autoscaler
