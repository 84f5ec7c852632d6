#include "reconcilers/declaration/document_check.h"

#include <utility>

#include "reconcilers/declaration/field_support.h"
#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/identity.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/raycluster_rules.h"
#include "reconcilers/declaration/raycluster_spec.h"
#include "reconcilers/declaration/rayjob_rules.h"
#include "reconcilers/declaration/rayjob_spec.h"
#include "reconcilers/declaration/rayservice_rules.h"
#include "reconcilers/declaration/rayservice_spec.h"
#include "reconcilers/declaration/schema_check.h"

namespace ray_gitops {
namespace {

void check_rules(Kind kind, const nlohmann::json& document, Findings& findings) {
  const nlohmann::json& spec = at_or_null(document, {"spec"});
  const nlohmann::json& metadata = at_or_null(document, {"metadata"});
  const Path path{{"spec"}};
  switch (kind) {
    case Kind::RayCluster:
      return check_raycluster_spec(spec, path, metadata, ClusterOwner::None, findings);
    case Kind::RayJob:
      return check_rayjob_spec(spec, path, metadata, findings);
    case Kind::RayService:
      return check_rayservice(document, findings);
    case Kind::RayCronJob:
      return check_raycronjob(document, findings);
    case Kind::Namespace:
    case Kind::ConfigMap:
    case Kind::Secret:
      return;
  }
}

Spec make_spec(Kind kind, const nlohmann::json& document) {
  switch (kind) {
    case Kind::RayCluster:
      return make_raycluster_spec(document);
    case Kind::RayJob:
      return make_rayjob_spec(document);
    case Kind::RayService:
      return make_rayservice_spec(document);
    case Kind::RayCronJob:
      return RayCronJobSpec{};
    case Kind::Namespace:
    case Kind::ConfigMap:
    case Kind::Secret:
      break;
  }
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
                               const Provenance& provenance, const std::string& default_namespace) {
  Findings findings(std::move(source), provenance);
  const Identity identity = read_identity(document, default_namespace, findings);
  CheckedDocument checked;
  checked.key = identity.key;
  checked.name_known = identity.key.has_value() || identity.foreign;
  if (identity.kind) {
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
