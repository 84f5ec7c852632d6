#pragma once
// What the agent does with each field: the one table that diagnostics and docs/fields.md come from.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/schema.h"

namespace ray_gitops {

enum class Support : std::uint8_t {
  ActedOn,
  NoEffect,  // accepted; a warning says what does not happen
  Refused    // to ignore it would be unsafe: the document is Blocked
};

const char* name_of(Support support);

struct FieldSupport {
  std::string_view definition;  // of the schemas, or k_annotations, k_labels
  std::string_view field;       // or the annotation's or label's key
  Support support = Support::ActedOn;
  std::string_view neutral = {};  // JSON list of the values that ask for nothing, or ""
  std::string_view write = {};    // what to write, or what happens instead
  Rule rule = Rule::NotSupportedYet;
};

// Annotations and labels in the metadata of a Ray kind that switch features of KubeRay.
inline constexpr std::string_view k_annotations = "annotations";
inline constexpr std::string_view k_labels = "labels";

// Sorted by definition and field.
std::span<const FieldSupport> all_field_support();
const FieldSupport* find_field_support(std::string_view definition, std::string_view field);

struct SupportFindings {
  std::optional<Diagnostic> blocked;  // the first field that is refused
  std::vector<Diagnostic> warnings;   // of fields that have no effect
};

// Of a document that follows its schema.
SupportFindings check_support(const Schema& schema, const nlohmann::json& document,
                              const Findings& findings);

}  // namespace ray_gitops
