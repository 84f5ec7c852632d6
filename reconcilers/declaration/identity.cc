#include "reconcilers/declaration/identity.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/syntax.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_shown_max = 64;
// Its pods have a label of the name, a dash and ten characters: 63 at most.
constexpr std::size_t k_stateful_set_name_max = 52;

// "RayCluster, ... or PodDisruptionBudget"
std::string shown_kinds() {
  const std::vector<Kind> kinds = all_kinds();
  std::string text;
  for (const Kind kind : kinds) {
    const bool last = kind == kinds.back();
    text += (text.empty() ? "" : last ? " or " : ", ") + std::string(name_of(kind));
  }
  return text;
}

std::string quoted(const std::string& text) { return "`" + printable(text, k_shown_max) + "`"; }

const char* api_version_of(Kind kind) {
  if (is_companion(kind)) return api_version_of(companion_type(kind));
  return kind == Kind::AutoscalerPolicy ? "ray-gitops.io/v1" : "ray.io/v1";
}

// "apps" of "apps/v1"; "v1", the core group, as it is.
std::string group_in(const std::string& api_version) {
  return api_version.substr(0, api_version.find('/'));
}

// A group of which some kind may stand in a file: a kind that is not known there may be misspelled.
bool is_group_of_ours(const std::string& api_version) {
  const std::string group = group_in(api_version);
  const std::vector<Kind> kinds = all_kinds();
  return group == "ray-gitops.io" || std::ranges::any_of(kinds, [&](Kind kind) {
           return group_in(api_version_of(kind)) == group;
         });
}

// Other projects have kinds of the same name, such as Knative's Service.
std::optional<Kind> kind_of(const std::string& name, const std::string& api_version) {
  const std::optional<Kind> kind = parse_kind(name);
  const bool other = kind && is_companion(*kind) && api_version.find('/') != std::string::npos &&
                     group_in(api_version) != group_in(api_version_of(*kind));
  return other && !is_group_of_ours(api_version) ? std::nullopt : kind;
}

void read_kind(const Json& document, Identity& identity, Findings& findings) {
  const Json* kind = find(document, {"kind"});
  if (kind == nullptr || !kind->is_string())
    return findings.error(kind == nullptr ? Rule::MissingField : Rule::WrongType, Path{{"kind"}},
                          kind == nullptr ? "the document has no kind" : "kind is not a string",
                          "write kind: " + shown_kinds());
  const std::string api_version = text_at(document, {"apiVersion"});
  identity.kind = kind_of(kind->get<std::string>(), api_version);
  if (identity.kind) return;
  const bool known = parse_kind(kind->get<std::string>()).has_value();
  identity.foreign = api_version.find('/') != std::string::npos && !is_group_of_ours(api_version);
  findings.error(Rule::UnknownKind, Path{{"kind"}},
                 "the kind is " + quoted(kind->get<std::string>()) +
                     (known ? " of " + quoted(api_version) : ""),
                 "write " + shown_kinds() + "; keep other files outside of this folder");
}

void check_api_version(Json& document, Kind kind, Findings& findings) {
  const Json* version = find(document, {"apiVersion"});
  if (version == nullptr || !version->is_string() || *version == api_version_of(kind)) return;
  findings.error(Rule::ApiVersion, Path{{"apiVersion"}},
                 "the apiVersion is " + quoted(version->get<std::string>()),
                 std::string("write ") + api_version_of(kind));
  document["apiVersion"] = api_version_of(kind);
}

// What `kubectl get -o yaml` prints beside what was once written.
void refuse_exported_fields(Json& metadata, Findings& findings) {
  const Path path{{"metadata"}};
  for (const char* field :
       {"creationTimestamp", "uid", "resourceVersion", "managedFields", "generation", "selfLink",
        "ownerReferences", "finalizers", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    if (!metadata.contains(field)) continue;
    findings.error_at_key(Rule::ExportedField, path / field,
                          std::string("metadata.") + field + " is filled in by the cluster",
                          "remove it; the file seems to be printed by kubectl");
    metadata.erase(field);
  }
  if (!metadata.contains("generateName")) return;
  findings.error_at_key(Rule::GenerateName, path / "generateName", "metadata.generateName is set",
                        "write metadata.name: what is in Git needs a name that stays");
  metadata.erase("generateName");
}

// Kinds whose names may have dots.
bool is_subdomain_kind(Kind kind) {
  return is_companion(kind) && kind != Kind::Namespace && kind != Kind::Service &&
         kind != Kind::StatefulSet && kind != Kind::Job;
}

// KubeRay: 63 less the longest suffix that it appends to an object's name.
std::size_t name_length_max(Kind kind) {
  if (kind == Kind::RayCluster) return 53;
  if (kind == Kind::RayJob || kind == Kind::RayService) return 47;
  if (kind == Kind::RayCronJob) return 36;
  if (kind == Kind::StatefulSet) return k_stateful_set_name_max;
  return is_subdomain_kind(kind) ? k_dns_subdomain_max : k_dns_label_max;
}

bool begins_with_letter(Kind kind) { return !is_companion(kind) || kind == Kind::Service; }

bool is_name_of(Kind kind, const std::string& name) {
  if (is_subdomain_kind(kind)) return is_dns1123_subdomain(name);
  return begins_with_letter(kind) ? is_dns1035_label(name) : is_dns1123_label(name);
}

// Whether the name can be an object's at all; one that is only too long can be told apart.
bool check_name(Kind kind, const std::string& name, Findings& findings) {
  const std::size_t longest = name_length_max(kind);
  if (is_name_of(kind, name) && name.size() <= longest) return true;
  const bool dots = is_subdomain_kind(kind);
  const bool letter_first = begins_with_letter(kind);
  findings.error(
      Rule::ObjectName, Path{{"metadata", "name"}},
      "the name is " + quoted(name) + ", " + std::to_string(name.size()) + " characters long",
      "write at most " + std::to_string(longest) + " of a-z, 0-9" +
          (dots ? ", . and -" : " and -") + ", with a letter " +
          (letter_first ? "first and a letter or digit last" : "or digit at both ends"));
  return is_dns1123_subdomain(name);
}

bool check_namespace(Kind kind, const std::string& ns, Findings& findings) {
  const Path path{{"metadata", "namespace"}};
  if (kind == Kind::Namespace && !ns.empty())
    findings.error(Rule::NamespaceName, path, "a Namespace is in no namespace", "remove it");
  if (kind == Kind::Namespace || is_dns1123_label(ns)) return true;
  findings.error(Rule::NamespaceName, path, "the namespace is " + quoted(ns),
                 "write at most 63 of a-z, 0-9 and -, with a letter or digit at both ends");
  return false;
}

void read_key(const Json& metadata, const std::string& default_namespace, Identity& identity,
              Findings& findings) {
  const Kind kind = *identity.kind;
  const Json* name = find(metadata, {"name"});
  const Json* ns = find(metadata, {"namespace"});
  const bool has_namespace = ns != nullptr && !ns->is_null();
  if (name == nullptr || !name->is_string() || (has_namespace && !ns->is_string())) return;
  std::string used = has_namespace             ? ns->get<std::string>()
                     : kind == Kind::Namespace ? std::string()
                                               : default_namespace;
  const bool name_fits = check_name(kind, name->get<std::string>(), findings);
  const bool namespace_fits = check_namespace(kind, used, findings);
  if (kind == Kind::Namespace) used.clear();
  if (name_fits && namespace_fits) identity.key = ObjectKey{kind, used, name->get<std::string>()};
}

}  // namespace

Identity read_identity(nlohmann::json& document, const std::string& default_namespace,
                       Findings& findings) {
  Identity identity;
  if (!document.is_object()) {
    findings.error(Rule::NotAnObject, {}, "the document is not a mapping",
                   "write apiVersion, kind and metadata; kind is " + shown_kinds());
    return identity;
  }
  read_kind(document, identity, findings);
  if (!identity.kind) return identity;
  check_api_version(document, *identity.kind, findings);
  const auto metadata = document.find("metadata");
  if (metadata == document.end() || !metadata->is_object()) return identity;
  refuse_exported_fields(*metadata, findings);
  read_key(*metadata, default_namespace, identity, findings);
  return identity;
}

}  // namespace ray_gitops
