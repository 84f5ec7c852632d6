#include "reconcilers/manifest/anchor.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/object_parts.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr const char* k_format = "v1";
constexpr std::size_t k_document_bytes_max = std::size_t{8} * 1024 * 1024;
constexpr std::int64_t k_attempts_max = 1'000'000'000;
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

tl::unexpected<Error> unreadable(const char* name) {
  return fail(ErrorCode::InvalidInput, std::string("its state has no readable `") + name + "`");
}

Result<std::string> parse_text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_string()) return unreadable(name);
  return value.get<std::string>();
}

Result<std::vector<ObjectKey>> parse_keys(const Json& state, const char* name) {
  const Json& list = member(state, name);
  if (!list.is_array()) return unreadable(name);
  std::vector<ObjectKey> keys;
  for (const Json& entry : list) {
    const auto kind = parse_kind(text_of(member(entry, "kind")));
    if (!kind) return unreadable(name);
    keys.push_back({*kind, TRY(parse_text(entry, "namespace")), TRY(parse_text(entry, "name"))});
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

Result<std::int64_t> parse_count(const Json& object, const char* name) {
  const std::int64_t count = integer_of(member(object, name));
  if (count < 1 || count > k_attempts_max) return unreadable(name);
  return count;
}

// Empty text is a time that has not come.
Result<WallTime> parse_time(const Json& object, const char* name) {
  const std::string text = TRY(parse_text(object, name));
  if (text.empty()) return WallTime{};
  const std::optional<WallTime> time = parse_rfc3339(text);
  if (!time) return unreadable(name);
  return *time;
}

std::string time_text(WallTime time) {
  return time == WallTime{} ? std::string{} : to_rfc3339(time);
}

Result<JobStage> parse_stage(const Json& object, const char* name) {
  const std::optional<JobStage> stage = parse_job_stage(TRY(parse_text(object, name)));
  if (!stage) return unreadable(name);
  return *stage;
}

Json finished_run_json(const FinishedRun& run) {
  return Json{{"runHash", run.run_hash},
              {"result", name_of(run.stage)},
              {"attempt", run.attempt},
              {"submissionId", run.submission_id},
              {"reason", run.reason},
              {"message", run.message},
              {"finishedAt", to_rfc3339(run.finished_at)}};
}

Result<FinishedRun> parse_finished_run(const Json& object) {
  FinishedRun run;
  run.run_hash = TRY(parse_text(object, "runHash"));
  run.stage = TRY(parse_stage(object, "result"));
  if (!has_ended(run.stage)) return unreadable("result");
  run.attempt = static_cast<int>(TRY(parse_count(object, "attempt")));
  run.submission_id = TRY(parse_text(object, "submissionId"));
  run.reason = TRY(parse_text(object, "reason"));
  run.message = TRY(parse_text(object, "message"));
  run.finished_at = TRY(parse_time(object, "finishedAt"));
  return run;
}

Json job_state_json(const JobState& state) {
  return Json{{"runHash", state.run_hash},
              {"stage", name_of(state.stage)},
              {"attempt", state.attempt},
              {"attemptStartedAt", time_text(state.attempt_started_at)},
              {"wasRunning", state.was_running},
              {"submissionId", state.submission_id},
              {"headUid", state.head_uid},
              {"session", state.session},
              {"reason", state.reason},
              {"message", state.message},
              {"finishedAt", time_text(state.finished_at)},
              {"finished", finished_runs_json(state.finished)}};
}

}  // namespace

nlohmann::json finished_runs_json(const FinishedRuns& runs) {
  Json list = Json::array();
  for (const FinishedRun& run : runs) list.push_back(finished_run_json(run));
  return list;
}

Result<FinishedRuns> parse_finished_runs(const nlohmann::json& list) {
  if (!list.is_array() || list.size() > k_finished_runs_max) return unreadable("finished");
  FinishedRuns runs;
  for (const Json& object : list) runs.push_back(TRY(parse_finished_run(object)));
  return merge_runs(runs, {});
}

Result<Document> anchor_body(const Declaration& declaration, const ClusterState& state,
                             const std::string& agent_id, const AnchorOwner& owner) {
  Json body = TRY(declaration_anchor(declaration, agent_id));
  body["data"] = {{"state", Json{{"incarnation", state.incarnation}}.dump()}};
  if (!owner.uid.empty())
    body["metadata"]["ownerReferences"] =
        Json::array({owner_reference({agent_id, owner.name, owner.uid})});
  return Document{std::move(body)};
}

Result<Document> job_anchor_body(const Declaration& declaration, const JobState& state,
                                 const std::string& agent_id) {
  Json body = TRY(declaration_anchor(declaration, agent_id));
  body["data"] = {{"state", job_state_json(state).dump()}};
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
    ObjectKey key{*kind, anchor.meta.key.ns, anchor.anchor_name};
    if (anchor_key(key) == anchor.meta.key) return key;
  }
  return fail(ErrorCode::InvalidInput, "its labels and annotations do not match its name",
              to_string(anchor.meta.key));
}

ClusterState anchored_state(const ConfigMapView& anchor) {
  const std::int64_t incarnation = integer_of(member(parse_state(anchor), "incarnation"));
  if (incarnation < 1 || incarnation > k_incarnation_max) return {};
  return {.incarnation = incarnation};
}

Result<JobState> anchored_job_state(const ConfigMapView& anchor) {
  const Json json = parse_state(anchor);
  if (!json.is_object()) return unreadable("state");
  JobState state;
  state.run_hash = TRY(parse_text(json, "runHash"));
  state.stage = TRY(parse_stage(json, "stage"));
  state.attempt = static_cast<int>(TRY(parse_count(json, "attempt")));
  state.attempt_started_at = TRY(parse_time(json, "attemptStartedAt"));
  state.was_running = is_true(member(json, "wasRunning"));
  state.submission_id = TRY(parse_text(json, "submissionId"));
  state.head_uid = TRY(parse_text(json, "headUid"));
  state.session = TRY(parse_text(json, "session"));
  state.reason = TRY(parse_text(json, "reason"));
  state.message = TRY(parse_text(json, "message"));
  state.finished_at = TRY(parse_time(json, "finishedAt"));
  state.finished = TRY(parse_finished_runs(member(json, "finished")));
  return state;
}

AnchorOwner anchored_owner(const ConfigMapView& anchor) {
  return {anchor.owner_name, anchor.meta.owner_uid};
}

std::optional<ObjectKey> anchored_parent(const ConfigMapView& anchor) {
  if (anchor.meta.owner_uid.empty()) return std::nullopt;
  const std::string prefix = anchor_key({Kind::RayJob, {}, {}}).name;
  if (!anchor.owner_name.starts_with(prefix)) return std::nullopt;
  return ObjectKey{Kind::RayJob, anchor.meta.key.ns, anchor.owner_name.substr(prefix.size())};
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
  state.repository = TRY(parse_text(json, "repository"));
  state.accepted_commit = TRY(parse_text(json, "acceptedCommit"));
  state.hold_id = TRY(parse_text(json, "holdId"));
  state.held = TRY(parse_keys(json, "held"));
  state.removals = TRY(parse_keys(json, "removals"));
  state.companions = TRY(parse_keys(json, "companions"));
  for (const ObjectKey& companion : state.companions)
    if (!is_companion(companion.kind)) return unreadable("companions");
  return state;
}

}  // namespace ray_gitops
