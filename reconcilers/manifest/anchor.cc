#include "reconcilers/manifest/anchor.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/job_state.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/manifest/service_state.h"
#include "reconcilers/manifest/state_members.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr const char* k_format = "v1";
constexpr std::size_t k_document_bytes_max = std::size_t{8} * 1024 * 1024;
constexpr std::int64_t k_incarnation_max = 1'000'000'000'000;  // nothing counts that far

Json config_map(const ResourceKey& key, const char* kind, const std::string& agent_id) {
  return Json{{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata",
               {{"name", key.name},
                {"namespace", key.ns},
                {"labels", {{labels::k_agent, agent_id}, {labels::k_kind, kind}}},
                {"annotations", {{labels::k_format, k_format}}}}}};
}

Json keys_json(const std::vector<ObjectKey>& keys) {
  Json list = Json::array();
  for (const ObjectKey& key : keys)
    list.push_back({{"kind", name_of(key.kind)}, {"namespace", key.ns}, {"name", key.name}});
  return list;
}

Result<std::vector<ObjectKey>> parse_keys(const Json& state, const char* name) {
  const Json& list = member(state, name);
  if (!list.is_array()) return unreadable_state(name);
  std::vector<ObjectKey> keys;
  for (const Json& entry : list) {
    const auto kind = parse_kind(text_of(member(entry, "kind")));
    if (!kind) return unreadable_state(name);
    keys.push_back(
        {*kind, TRY(parse_state_text(entry, "namespace")), TRY(parse_state_text(entry, "name"))});
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

Json parse_state(const ConfigMapView& anchor) {
  return Json::parse(anchor.state, nullptr, /*allow_exceptions=*/false);
}

// The body with the declaration's document; the state is the caller's.
Result<Json> declaration_anchor(const Declaration& declaration, const std::string& agent_id) {
  const std::string document = compress(declaration.document.canonical());
  if (document.size() > k_anchor_document_bytes_max)
    return fail(ErrorCode::LimitExceeded,
                "the document is larger than an anchor may hold (256 KiB compressed)",
                to_string(declaration.key));
  Json body = config_map(anchor_key(declaration.key), name_of(declaration.key.kind), agent_id);
  Json& annotations = body["metadata"]["annotations"];
  annotations[labels::k_name] = declaration.key.name;
  annotations[labels::k_commit] = declaration.provenance.commit;
  annotations[labels::k_path] = declaration.provenance.path;
  annotations[labels::k_spec_hash] = declaration.spec_hash;
  body["binaryData"] = {{"document", base64_encode(document)}};
  return body;
}

Result<Document> anchor_with_state(const Declaration& declaration, const Json& state,
                                   const std::string& agent_id) {
  Json body = TRY(declaration_anchor(declaration, agent_id));
  body["data"] = {{"state", state.dump()}};
  return Document{std::move(body)};
}

}  // namespace

Result<Document> anchor_body(const Declaration& declaration, const ClusterState& state,
                             const std::string& agent_id, const AnchorOwner& owner) {
  Json body = TRY(declaration_anchor(declaration, agent_id));
  Json kept{{"incarnation", state.incarnation}};
  if (!state.scaling.json().is_null()) kept["scaling"] = state.scaling.json();
  body["data"] = {{"state", kept.dump()}};
  if (!owner.uid.empty())
    body["metadata"]["ownerReferences"] =
        Json::array({owner_reference({agent_id, owner.name, owner.uid})});
  return Document{std::move(body)};
}

Result<Document> job_anchor_body(const Declaration& declaration, const JobState& state,
                                 const std::string& agent_id) {
  return anchor_with_state(declaration, job_state_json(state), agent_id);
}

Result<Document> service_anchor_body(const Declaration& declaration, const ServiceState& state,
                                     const std::string& agent_id) {
  return anchor_with_state(declaration, service_state_json(state), agent_id);
}

Result<Document> policy_anchor_body(const Declaration& declaration, const std::string& agent_id) {
  return Document{TRY(declaration_anchor(declaration, agent_id))};
}

Result<Document> anchored_document(const ConfigMapView& anchor) {
  const std::string json = TRY(decompress(anchor.document, k_document_bytes_max));
  return Document::parse(json);
}

Provenance anchored_provenance(const ConfigMapView& anchor) {
  return Provenance{.commit = anchor.commit, .path = anchor.path, .line = 0};
}

Result<ObjectKey> anchored_key(const ConfigMapView& anchor) {
  const std::optional<Kind> kind = parse_kind(anchor.anchor_kind);
  if (kind) {
    ObjectKey key{*kind, anchor.meta.key.ns, anchor.anchor_name};
    if (anchor_key(key) == anchor.meta.key) return key;
  }
  return fail(ErrorCode::InvalidInput, "its labels and annotations do not match its name",
              to_string(anchor.meta.key));
}

ClusterState anchored_state(const ConfigMapView& anchor) {
  const Json state = parse_state(anchor);
  const std::int64_t incarnation = integer_of(member(state, "incarnation"));
  if (incarnation < 1 || incarnation > k_incarnation_max) return {};
  return {.incarnation = incarnation, .scaling = Document{member(state, "scaling")}};
}

Result<JobState> anchored_job_state(const ConfigMapView& anchor) {
  return parse_job_state(parse_state(anchor));
}

Result<ServiceState> anchored_service_state(const ConfigMapView& anchor) {
  return parse_service_state(parse_state(anchor));
}

AnchorOwner anchored_owner(const ConfigMapView& anchor) {
  return {anchor.owner_name, anchor.meta.owner_uid};
}

std::optional<ObjectKey> parent_named(const std::string& ns, const std::string& anchor_name) {
  for (const Kind kind : {Kind::RayJob, Kind::RayService}) {
    const std::string prefix = anchor_key({kind, {}, {}}).name;
    if (anchor_name.starts_with(prefix))
      return ObjectKey{kind, ns, anchor_name.substr(prefix.size())};
  }
  return std::nullopt;
}

std::optional<ObjectKey> anchored_parent(const ConfigMapView& anchor) {
  if (anchor.meta.owner_uid.empty()) return std::nullopt;
  return parent_named(anchor.meta.key.ns, anchor.owner_name);
}

Document agent_anchor_body(const ResourceKey& key, const AgentState& state,
                           const std::string& agent_id) {
  Json body = config_map(key, "Agent", agent_id);
  const Json json{{"repository", state.repository},
                  {"acceptedCommit", state.accepted_commit},
                  {"holdId", state.hold_id},
                  {"held", keys_json(state.held)},
                  {"removals", keys_json(state.removals)},
                  {"companions", keys_json(state.companions)}};
  body["data"] = {{"state", json.dump()}};
  return Document{std::move(body)};
}

Result<AgentState> agent_state(const ConfigMapView& anchor) {
  const Json json = parse_state(anchor);
  if (!json.is_object())
    return fail(ErrorCode::InvalidInput, "its state is not readable", to_string(anchor.meta.key));
  AgentState state;
  state.repository = TRY(parse_state_text(json, "repository"));
  state.accepted_commit = TRY(parse_state_text(json, "acceptedCommit"));
  state.hold_id = TRY(parse_state_text(json, "holdId"));
  state.held = TRY(parse_keys(json, "held"));
  state.removals = TRY(parse_keys(json, "removals"));
  state.companions = TRY(parse_keys(json, "companions"));
  for (const ObjectKey& companion : state.companions)
    if (!is_companion(companion.kind)) return unreadable_state("companions");
  return state;
}

}  // namespace ray_gitops
