#include "reconcilers/declaration/document_check.h"

#include <set>
#include <string>
#include <utility>

#include "reconcilers/declaration/field_support.h"
#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/identity.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/policy_rules.h"
#include "reconcilers/declaration/policy_spec.h"
#include "reconcilers/declaration/raycluster_rules.h"
#include "reconcilers/declaration/raycluster_spec.h"
#include "reconcilers/declaration/rayjob_rules.h"
#include "reconcilers/declaration/rayjob_spec.h"
#include "reconcilers/declaration/rayservice_rules.h"
#include "reconcilers/declaration/rayservice_spec.h"
#include "reconcilers/declaration/schema_check.h"

namespace ray_gitops {
namespace {

// Kubernetes would remove what has run, and the agent would make it, and run it, again.
void check_companion_job(const nlohmann::json& spec, const Path& path, Findings& findings) {
  constexpr const char* k_field = "ttlSecondsAfterFinished";
  if (find(spec, {k_field}) != nullptr)
    findings.error_at_key(Rule::JobTimeToLive, path / k_field,
                          "the Job would run again each time it has been removed",
                          "remove it; the Job leaves when its file does");
}

void check_kind(Kind kind, const Permissions& permissions, Findings& findings) {
  if (permissions.refused_kinds.contains(kind))
    findings.error(
        Rule::KindNotAllowed, Path{{"kind"}},
        std::string("the agent's configuration does not allow the kind ") + name_of(kind),
        std::string("add ") + name_of(kind) +
            " to companions.kinds there, or keep the file outside of this folder");
}

void check_namespace(const ObjectKey& key, const Permissions& permissions, Findings& findings) {
  const std::set<std::string>& allowed = permissions.namespaces;
  if (allowed.empty()) return;
  if (key.kind == Kind::Namespace)
    findings.error(Rule::NamespaceNotAllowed, Path{{"kind"}},
                   "the agent is kept to some namespaces, and makes none",
                   "have the namespace made by who may, or take cluster.namespaces out of the "
                   "agent's configuration");
  else if (!allowed.contains(key.ns))
    findings.error(
        Rule::NamespaceNotAllowed, Path{{"metadata", "namespace"}},
        "the namespace is `" + printable(key.ns, 64) + "`, which is not among the agent's own",
        "write one of cluster.namespaces of the agent's configuration, or add it there");
}

void check_rules(Kind kind, const nlohmann::json& document, Findings& findings) {
  const nlohmann::json& spec = at_or_null(document, {"spec"});
  const nlohmann::json& metadata = at_or_null(document, {"metadata"});
  const Path path{{"spec"}};
  if (kind == Kind::RayCluster)
    check_raycluster_spec(spec, path, metadata, ClusterOwner::None, findings);
  if (kind == Kind::RayJob) check_rayjob_spec(spec, path, metadata, findings);
  if (kind == Kind::RayService) check_rayservice(document, findings);
  if (kind == Kind::RayCronJob) check_raycronjob(document, findings);
  if (kind == Kind::AutoscalerPolicy) check_policy_spec(spec, path, findings);
  if (kind == Kind::Job) check_companion_job(spec, path, findings);
}

Spec make_spec(Kind kind, const nlohmann::json& document) {
  if (kind == Kind::RayCluster) return make_raycluster_spec(document);
  if (kind == Kind::RayJob) return make_rayjob_spec(document);
  if (kind == Kind::RayService) return make_rayservice_spec(document);
  if (kind == Kind::RayCronJob) return RayCronJobSpec{};
  if (kind == Kind::AutoscalerPolicy) return make_policy_spec(document);
  return CompanionSpec{};
}

Declaration make_declaration(const ObjectKey& key, nlohmann::json document,
                             const Provenance& provenance, SupportFindings support) {
  Declaration declaration;
  declaration.key = key;
  declaration.provenance = provenance;
  declaration.spec_hash = compute_spec_hash(document);
  if (!key.ns.empty()) document["metadata"]["namespace"] = key.ns;
  declaration.spec = make_spec(key.kind, document);
  declaration.document = Document(std::move(document));
  declaration.blocked = std::move(support.blocked);
  declaration.warnings = std::move(support.warnings);
  return declaration;
}

}  // namespace

CheckedDocument check_document(nlohmann::json document, SourceNodePtr source,
                               const Provenance& provenance, const std::string& default_namespace,
                               const Permissions& permissions) {
  Findings findings(std::move(source), provenance);
  const Identity identity = read_identity(document, default_namespace, findings);
  CheckedDocument checked;
  checked.key = identity.key;
  checked.name_known = identity.key.has_value() || identity.foreign;
  if (identity.kind) {
    check_kind(*identity.kind, permissions, findings);
    if (identity.key) check_namespace(*identity.key, permissions, findings);
    const Schema& schema = Schema::of(schema_of(*identity.kind));
    drop_nulls(schema, document);
    const bool was_clean = !findings.has_errors();
    if (check_against_schema(schema, document, findings))
      check_rules(*identity.kind, document, findings);
    if (was_clean && !findings.has_errors() && identity.key) {
      SupportFindings support = check_support(schema, document, findings);
      for (const Diagnostic& warning : findings.all()) support.warnings.push_back(warning);
      checked.diagnostics = support.warnings;
      if (support.blocked) checked.diagnostics.push_back(*support.blocked);
      checked.declaration =
          make_declaration(*identity.key, std::move(document), provenance, std::move(support));
      return checked;
    }
  }
  checked.diagnostics = findings.all();
  return checked;
}

}  // namespace ray_gitops
