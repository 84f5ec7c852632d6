#include "reconcilers/status/ledger.h"

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/status/tree.h"

namespace ray_gitops::status {
namespace {

constexpr std::string_view k_folder = "ledger/";
constexpr const char* k_api_version = "ray-gitops.io/v1alpha1";
constexpr const char* k_kind = "JobLedger";

// Members stay in the order in which a person reads them.
using Json = nlohmann::ordered_json;

// The branch, from which runs are carried on, may hold what somebody else wrote to it.
std::string shown(const std::string& text) { return printable(text, k_message_bytes_max); }

Json run_json(const FinishedRun& run) {
  return Json{{"runHash", shown(run.run_hash)},
              {"result", name_of(run.stage)},
              {"attempt", run.attempt},
              {"submissionId", shown(run.submission_id)},
              {"reason", shown(run.reason)},
              {"message", shown(run.message)},
              {"finishedAt", to_rfc3339(run.finished_at)}};
}

}  // namespace

std::string ledger_path(const ObjectKey& job) {
  return std::string(k_folder) + escape_path(job.ns + "/" + job.name) + ".json";
}

bool is_ledger_path(std::string_view path) { return path.starts_with(k_folder); }

std::string render_ledger(const ObjectKey& job, const FinishedRuns& runs) {
  Json list = Json::array();
  for (const FinishedRun& run : runs) list.push_back(run_json(run));
  const Json json{
      {"apiVersion", k_api_version},
      {"kind", k_kind},
      {"object", {{"kind", name_of(job.kind)}, {"namespace", job.ns}, {"name", job.name}}},
      {"runs", std::move(list)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<FinishedRuns> read_ledger(const std::string& content) {
  const Document document = TRY(Document::parse(content));
  const nlohmann::json& json = document.json();
  if (member(json, "apiVersion") != k_api_version || member(json, "kind") != k_kind)
    return fail(ErrorCode::InvalidInput,
                std::string("it is no ") + k_kind + " of " + k_api_version);
  return parse_finished_runs(member(json, "runs"));
}

}  // namespace ray_gitops::status
