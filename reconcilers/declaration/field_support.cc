#include "reconcilers/declaration/field_support.h"

#include <algorithm>
#include <string>
#include <utility>

#include "reconcilers/model/check.h"

namespace ray_gitops {
namespace {

using enum Support;

bool comes_before(const FieldSupport& row,
                  const std::pair<std::string_view, std::string_view>& key) {
  return std::pair(row.definition, row.field) < key;
}

bool asks_for_something(const FieldSupport& row, const nlohmann::json& value) {
  if (row.neutral.empty()) return true;
  const auto neutral = nlohmann::json::parse(row.neutral, nullptr, /*allow_exceptions=*/false);
  return std::find(neutral.begin(), neutral.end(), value) == neutral.end();
}

class SupportChecker {
 public:
  explicit SupportChecker(const Findings& findings) : findings_(findings) {}

  // Whether to look into the value's parts.
  bool look_at(const SchemaVisit& visit) {
    if (visit.definition == "Metadata") check_keys(visit);
    if (visit.field.empty()) return true;
    const FieldSupport* row = find_field_support(visit.definition, visit.field);
    CHECK(row != nullptr);
    return judge(*row, visit.path, visit.value);
  }

  SupportFindings take() && { return std::move(found_); }

 private:
  void check_keys(const SchemaVisit& visit) {
    if (visit.field != k_annotations && visit.field != k_labels) return;
    for (const auto& [key, value] : visit.value.items())
      if (const FieldSupport* row = find_field_support(visit.field, key))
        judge(*row, visit.path / key, value);
  }

  bool judge(const FieldSupport& row, const Path& path, const nlohmann::json& value) {
    if (row.support == ActedOn) return true;
    if (!asks_for_something(row, value)) return false;
    const bool refused = row.support == Refused;
    Diagnostic diagnostic = findings_.make(refused ? Severity::Error : Severity::Warning, row.rule,
                                           findings_.position_of_key(path),
                                           sentence(row, path, value), std::string(row.write));
    if (!refused)
      found_.warnings.push_back(std::move(diagnostic));
    else if (!found_.blocked)
      found_.blocked = std::move(diagnostic);
    return false;
  }

  static std::string sentence(const FieldSupport& row, const Path& path,
                              const nlohmann::json& value) {
    if (row.field == "kind") return value.get<std::string>() + " is checked but not run yet";
    if (row.rule == Rule::ManagedElsewhere)
      return dotted(path) + " gives the object to another controller";
    if (row.support == Refused) return dotted(path) + " is not supported yet";
    return dotted(path) + " is accepted but has no effect yet";
  }

  const Findings& findings_;
  SupportFindings found_;
};

}  // namespace

const char* name_of(Support support) {
  switch (support) {
    case ActedOn:
      return "acted on";
    case NoEffect:
      return "no effect yet";
    case Refused:
      return "refused";
  }
  return "";
}

const FieldSupport* find_field_support(std::string_view definition, std::string_view field) {
  const std::span<const FieldSupport> rows = all_field_support();
  const std::pair key(definition, field);
  const auto row = std::lower_bound(rows.begin(), rows.end(), key, comes_before);
  const bool found = row != rows.end() && std::pair(row->definition, row->field) == key;
  return found ? &*row : nullptr;
}

SupportFindings check_support(const Schema& schema, const nlohmann::json& document,
                              const Findings& findings) {
  SupportChecker checker(findings);
  walk(schema, document, [&](const SchemaVisit& visit) { return checker.look_at(visit); });
  return std::move(checker).take();
}

}  // namespace ray_gitops
