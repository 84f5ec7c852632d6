#include "agent/local_cluster/store/selectors.h"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

std::string trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

// Splits at commas that stand outside of parentheses.
std::vector<std::string> split_terms(std::string_view text) {
  std::vector<std::string> terms;
  std::string term;
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c == ',' && depth <= 0) {
      terms.push_back(trim(term));
      term.clear();
    } else {
      term += c;
    }
  }
  if (!trim(term).empty() || !terms.empty()) terms.push_back(trim(term));
  return terms;
}

bool is_label_word(const std::string& text) {
  return !text.empty() && text.find_first_of(" \t!=(),<>") == std::string::npos;
}

ApiError not_a_selector(const std::string& term) {
  return bad_request("unable to parse requirement: found '" + term + "', expected: a requirement");
}

// "key in (a,b)", "key notin (a,b)".
std::optional<LabelRequirement> parse_set_term(const std::string& term) {
  const std::size_t open = term.find('(');
  if (open == std::string::npos || term.back() != ')') return std::nullopt;
  const std::string head = trim(std::string_view(term).substr(0, open));
  const std::size_t space = head.find_last_of(" \t");
  if (space == std::string::npos) return std::nullopt;
  LabelRequirement requirement;
  requirement.key = trim(std::string_view(head).substr(0, space));
  const std::string word = head.substr(space + 1);
  if (word != "in" && word != "notin") return std::nullopt;
  requirement.op = word == "in" ? LabelOperator::In : LabelOperator::NotIn;
  requirement.values = split_terms(std::string_view(term).substr(open + 1, term.size() - open - 2));
  if (requirement.values.empty()) requirement.values.emplace_back();
  return is_label_word(requirement.key) ? std::optional(requirement) : std::nullopt;
}

struct Comparison {
  std::string left;
  bool equal = true;
  std::string right;
};

// "a=b", "a==b", "a!=b".
std::optional<Comparison> parse_comparison(const std::string& term) {
  const std::size_t sign = term.find_first_of("!=");
  if (sign == std::string::npos) return std::nullopt;
  Comparison comparison{.left = trim(std::string_view(term).substr(0, sign)),
                        .equal = term[sign] == '=',
                        .right = {}};
  std::size_t after = sign + 1;
  if (!comparison.equal && (after >= term.size() || term[after] != '=')) return std::nullopt;
  if (after < term.size() && term[after] == '=') ++after;
  comparison.right = trim(std::string_view(term).substr(after));
  return comparison;
}

std::optional<LabelRequirement> parse_label_term(const std::string& term) {
  if (auto requirement = parse_set_term(term)) return requirement;
  if (!term.empty() && term.front() == '!' && is_label_word(trim(term.substr(1))))
    return LabelRequirement{trim(term.substr(1)), LabelOperator::NotExists, {}};
  if (is_label_word(term)) return LabelRequirement{term, LabelOperator::Exists, {}};
  const auto comparison = parse_comparison(term);
  if (!comparison || !is_label_word(comparison->left)) return std::nullopt;
  if (!comparison->right.empty() && !is_label_word(comparison->right)) return std::nullopt;
  return LabelRequirement{comparison->left,
                          comparison->equal ? LabelOperator::In : LabelOperator::NotIn,
                          {comparison->right}};
}

bool is_selectable(std::string_view path, std::string_view plural) {
  if (path == "metadata.name" || path == "metadata.namespace") return true;
  if (plural == "pods")
    return path == "spec.nodeName" || path == "status.phase" || path == "status.podIP" ||
           path == "spec.restartPolicy" || path == "spec.serviceAccountName";
  if (plural == "events")
    return path.starts_with("involvedObject.") || path == "reason" || path == "type";
  if (plural == "namespaces") return path == "status.phase";
  if (plural == "nodes") return path == "spec.unschedulable";
  if (plural == "secrets") return path == "type";
  return false;
}

bool matches(const LabelRequirement& requirement, const nlohmann::json& labels) {
  const auto found = labels.find(requirement.key);
  const bool exists = found != labels.end() && found->is_string();
  const auto is_listed = [&] {
    return exists && std::ranges::find(requirement.values, found->get_ref<const std::string&>()) !=
                         requirement.values.end();
  };
  switch (requirement.op) {
    case LabelOperator::In:
      return is_listed();
    case LabelOperator::NotIn:
      return !is_listed();
    case LabelOperator::Exists:
      return exists;
    case LabelOperator::NotExists:
      return !exists;
  }
  return false;
}

}  // namespace

ApiResult<LabelSelector> parse_label_selector(std::string_view text) {
  LabelSelector selector;
  for (const std::string& term : split_terms(text)) {
    auto requirement = parse_label_term(term);
    if (!requirement) return refuse(not_a_selector(term));
    selector.requirements.push_back(std::move(*requirement));
  }
  return selector;
}

ApiResult<FieldSelector> parse_field_selector(std::string_view text, std::string_view plural) {
  FieldSelector selector;
  for (const std::string& term : split_terms(text)) {
    const auto comparison = parse_comparison(term);
    if (!comparison)
      return refuse(bad_request("invalid selector: can't understand '" + term + "'"));
    if (!is_selectable(comparison->left, plural))
      return refuse(bad_request("field label not supported: " + comparison->left));
    selector.requirements.push_back({comparison->left, comparison->equal, comparison->right});
  }
  return selector;
}

bool matches(const LabelSelector& selector, const nlohmann::json& object) {
  const nlohmann::json& labels = at_path(object, {"metadata", "labels"});
  return std::ranges::all_of(selector.requirements, [&labels](const LabelRequirement& requirement) {
    return matches(requirement, labels);
  });
}

bool matches(const FieldSelector& selector, const nlohmann::json& object) {
  return std::ranges::all_of(selector.requirements, [&object](const FieldRequirement& requirement) {
    const bool same = string_at_dotted(object, requirement.path) == requirement.value;
    return same == requirement.equal;
  });
}

bool has_labels(const nlohmann::json& object, const nlohmann::json& wanted) {
  const nlohmann::json& labels = at_path(object, {"metadata", "labels"});
  for (const auto& [key, value] : wanted.items()) {
    const auto found = labels.find(key);
    if (found == labels.end() || *found != value) return false;
  }
  return true;
}

}  // namespace ray_gitops::local_cluster
