#pragma once
// Label and field selectors, as lists, watches and Services use them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/local_cluster/store/api_error.h"

namespace ray_gitops::local_cluster {

enum class LabelOperator : std::uint8_t { In, NotIn, Exists, NotExists };

struct LabelRequirement {
  std::string key;
  LabelOperator op = LabelOperator::Exists;
  std::vector<std::string> values;
};

// All requirements must hold; none matches everything.
struct LabelSelector {
  std::vector<LabelRequirement> requirements;
};

struct FieldRequirement {
  std::string path;  // metadata.name, metadata.namespace, spec.nodeName, status.phase, ...
  bool equal = true;
  std::string value;
};

struct FieldSelector {
  std::vector<FieldRequirement> requirements;
};

// What a list or a watch looks at.
struct Selection {
  const ResourceType* type = nullptr;
  std::string ns = {};  // empty: all namespaces
  LabelSelector labels = {};
  FieldSelector fields = {};

  // Not every object of the type there.
  bool selects() const { return !labels.requirements.empty() || !fields.requirements.empty(); }
};

// "a=b,c!=d,e in (f,g),h notin (i),j,!k". BadRequest when it is none.
ApiResult<LabelSelector> parse_label_selector(std::string_view text);
// "metadata.name=a,spec.nodeName!=b". BadRequest for a field that `plural` cannot be selected by.
ApiResult<FieldSelector> parse_field_selector(std::string_view text, std::string_view plural);

bool matches(const LabelSelector& selector, const nlohmann::json& object);
bool matches(const FieldSelector& selector, const nlohmann::json& object);
// Whether every entry of `wanted` (a Service's spec.selector) is a label of the object.
bool has_labels(const nlohmann::json& object, const nlohmann::json& wanted);

}  // namespace ray_gitops::local_cluster
