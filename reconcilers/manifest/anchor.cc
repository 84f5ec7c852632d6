#include "reconcilers/manifest/anchor.h"

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr const char* k_format = "v1";
constexpr std::size_t k_document_bytes_max = std::size_t{8} * 1024 * 1024;

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

std::string text_of(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Result<std::vector<ObjectKey>> parse_keys(const Json& state, const char* member) {
  std::vector<ObjectKey> keys;
  const auto list = state.find(member);
  if (list == state.end()) return keys;
  for (const Json& entry : *list) {
    const auto kind = entry.is_object() ? parse_kind(text_of(entry, "kind")) : std::nullopt;
    if (!kind) return fail(ErrorCode::InvalidInput, std::string("unreadable list ") + member);
    keys.push_back({*kind, text_of(entry, "namespace"), text_of(entry, "name")});
  }
  return keys;
}

Json parse_state(const ConfigMapView& anchor) {
  return Json::parse(anchor.state, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

Result<Document> anchor_body(const Declaration& declaration, const ClusterState& state,
                             const std::string& agent_id) {
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
  body["data"] = {{"state", Json{{"incarnation", state.incarnation}}.dump()}};
  return Document{std::move(body)};
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
    const ObjectKey key{*kind, anchor.meta.key.ns, anchor.anchor_name};
    if (anchor_key(key) == anchor.meta.key) return key;
  }
  return fail(ErrorCode::InvalidInput, "its labels and annotations do not match its name",
              to_string(anchor.meta.key));
}

ClusterState anchored_state(const ConfigMapView& anchor) {
  const Json state = parse_state(anchor);
  ClusterState result;
  if (!state.is_object()) return result;
  const auto incarnation = state.find("incarnation");
  if (incarnation != state.end() && incarnation->is_number_integer())
    result.incarnation = incarnation->get<std::int64_t>();
  return result;
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
  state.repository = text_of(json, "repository");
  state.accepted_commit = text_of(json, "acceptedCommit");
  state.hold_id = text_of(json, "holdId");
  state.held = TRY(parse_keys(json, "held"));
  state.removals = TRY(parse_keys(json, "removals"));
  state.companions = TRY(parse_keys(json, "companions"));
  return state;
}

}  // namespace ray_gitops
