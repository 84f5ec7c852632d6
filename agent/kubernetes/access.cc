#include "agent/kubernetes/access.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/json_members.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr const char* k_reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

// The type is of no matter for what these answers say.
Result<Json> parse_answer(const HttpResponse& response) {
  if (response.status < 200 || response.status > 299)
    return tl::unexpected(parse_error(response, ResourceType::Namespace));
  const Document body = TRY(Document::parse(response.body));
  return body.json();
}

bool is_asked_for(const std::vector<AccessNeed>& needs, const std::string& ns, ResourceType type) {
  return std::ranges::any_of(needs, [&](const AccessNeed& need) {
    return need.ns == ns && need.group == group_of(type) && need.resource == plural_of(type);
  });
}

// `ns` empty: in all namespaces.
void add_needs_in(const std::string& ns, const AccessScope& scope, std::vector<AccessNeed>& needs) {
  const std::vector<std::string> applied{"get", "list", "watch", "create", "patch", "delete"};
  // Anchors and Services are replaced, too: only at the resource version that was seen.
  const std::vector<std::string> replaced{"get",    "list",  "watch", "create",
                                          "update", "patch", "delete"};
  needs.push_back({"", "pods", applied, ns, "Ray clusters cannot run"});
  needs.push_back({"", "services", replaced, ns, "Ray clusters cannot be reached"});
  needs.push_back({"", "configmaps", replaced, ns,
                   "nothing can be remembered, and ConfigMaps are not applied"});
  needs.push_back({"", "secrets", applied, ns,
                   "Secrets in Git are not applied, and no cluster can ask for a token"});
  if (ns.empty())
    needs.push_back({"",
                     "namespaces",
                     {"get", "list", "watch", "create", "patch"},
                     ns,
                     "Namespaces that stand in Git cannot be made"});
  for (const Kind kind : scope.companions) {
    const ResourceType type = companion_type(kind);
    if (kind == Kind::Namespace || is_asked_for(needs, ns, type)) continue;
    needs.push_back({std::string(group_of(type)), plural_of(type), applied, ns,
                     std::string(kind_of(type)) + " objects that stand in Git are not applied"});
  }
  // The verbs are those of GET, POST and PUT.
  if (scope.through_api_server)
    needs.push_back({"",
                     "pods/proxy",
                     {"get", "create", "update"},
                     ns,
                     "jobs and Serve configurations do not reach Ray"});
}

}  // namespace

std::vector<AccessNeed> needed_access(const AccessScope& scope) {
  std::vector<AccessNeed> needs;
  for (const std::string& ns :
       scope.namespaces.empty() ? std::set<std::string>{""} : scope.namespaces)
    add_needs_in(ns, scope, needs);
  needs.push_back({"coordination.k8s.io",
                   "leases",
                   {"get", "create", "update"},
                   scope.agent_ns,
                   "the agent does nothing: it must be the only one of its id"});
  return needs;
}

std::string to_string(const AccessNeed& need) {
  return need.resource + (need.ns.empty() ? " in all namespaces" : " in namespace " + need.ns);
}

ApiRequest render_access_review(const AccessNeed& need, const std::string& verb) {
  const std::size_t slash = need.resource.find('/');
  Json attributes = {{"resource", need.resource.substr(0, slash)}, {"verb", verb}};
  if (slash != std::string::npos) attributes["subresource"] = need.resource.substr(slash + 1);
  if (!need.group.empty()) attributes["group"] = need.group;
  if (!need.ns.empty()) attributes["namespace"] = need.ns;
  const Json review = {{"apiVersion", "authorization.k8s.io/v1"},
                       {"kind", "SelfSubjectAccessReview"},
                       {"spec", {{"resourceAttributes", std::move(attributes)}}}};
  return {"POST", k_reviews, "application/json", review.dump()};
}

Result<bool> parse_access_review(const HttpResponse& response) {
  const Json answer = TRY(parse_answer(response));
  const Json& allowed = member(answer, "status", "allowed");
  if (!allowed.is_boolean())
    return fail(ErrorCode::Unavailable, "the server's access review says nothing");
  return allowed.get<bool>();
}

ApiRequest render_version() { return {"GET", "/version", "", ""}; }

Result<std::string> parse_version(const HttpResponse& response) {
  const Json answer = TRY(parse_answer(response));
  std::string version = text_of(member(answer, "gitVersion"));
  if (version.empty()) return fail(ErrorCode::Unavailable, "the server does not say its version");
  return version;
}

}  // namespace ray_gitops::kubernetes
