#include <nlohmann/json.hpp>

#include "agent/review/report.h"

namespace ray_gitops::review {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ObjectKey& key) {
  Json json{{"kind", ray_gitops::name_of(key.kind)}};
  if (!key.ns.empty()) json["namespace"] = key.ns;
  json["name"] = key.name;
  return json;
}

Json json_of(const Diagnostic& diagnostic) {
  return Json{{"severity", diagnostic.severity == Severity::Error ? "error" : "warning"},
              {"file", diagnostic.path},
              {"line", diagnostic.line},
              {"column", diagnostic.column},
              {"rule", diagnostic.rule},
              {"found", diagnostic.found},
              {"write", diagnostic.write}};
}

Json json_of(const Action& action) {
  return Json{{"verb", ray_gitops::name_of(action.verb)},
              {"target", to_string(action.target)},
              {"reason", action.reason}};
}

Json json_of(const RayRequest& request) {
  Json json{{"verb", ray_gitops::name_of(request.verb)}};
  if (!request.submission_id.empty()) json["submissionId"] = request.submission_id;
  if (!request.cluster.empty()) json["cluster"] = request.cluster;
  json["reason"] = request.reason;
  return json;
}

Json json_of(const Deed& deed) {
  return std::visit([](const auto& done) { return json_of(done); }, deed);
}

Json json_of(const ObjectPlan& plan);

template <class Items>
Json list_of(const Items& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(json_of(item));
  return list;
}

Json json_of(const ObjectPlan& plan) {
  Json json{{"object", json_of(plan.now.key)}};
  if (!plan.now.declared.path.empty()) {
    json["file"] = plan.now.declared.path;
    json["line"] = plan.now.declared.line;
  }
  json["change"] = name_of(plan.change);
  const bool changes = plan.change != Change::None;
  if (changes) {
    json["phase"] = ray_gitops::name_of(plan.now.phase);
    json["reason"] = plan.now.reason;
    json["message"] = plan.now.message;
    json["actions"] = list_of(plan.deeds);
    json["restarts"] = plan.restarts;
  }
  if (plan.change != Change::Delete)
    json[changes ? "then" : "now"] = {{"phase", ray_gitops::name_of(plan.left_in)},
                                      {"reason", plan.left_reason},
                                      {"message", plan.left_message}};
  return json;
}

Json json_of(const Summary& summary) {
  return Json{{"create", summary.creates},     {"change", summary.changes},
              {"delete", summary.deletes},     {"unchanged", summary.unchanged},
              {"restarts", summary.restarts},  {"jobsToSubmit", summary.submitted},
              {"jobsToStop", summary.stopped}, {"serveConfigurations", summary.served},
              {"errors", summary.errors}};
}

}  // namespace

std::string render_json(const Report& report) {
  Json json{{"apiVersion", "ray-gitops.io/v1alpha1"}, {"kind", "Plan"}};
  json["agent"] = {{"id", report.agent_id}};
  Json& source = json["source"] = {{"planned", report.subject}};
  if (!report.commit.empty()) source["commit"] = report.commit;
  if (!report.accepted_commit.empty()) source["acceptedCommit"] = report.accepted_commit;
  if (!report.problem.empty()) source["problem"] = report.problem;
  if (!report.hold_id.empty())
    json["hold"] = {{"id", report.hold_id}, {"message", report.hold_message}};
  json["complete"] = report.complete;
  json["unseen"] = report.unseen;
  json["diagnostics"] = list_of(report.diagnostics);
  json["objects"] = list_of(report.objects);
  json["summary"] = json_of(summarise(report));
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace ray_gitops::review
