#include "reconcilers/declaration/schema_check.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/declaration/format_check.h"

namespace ray_gitops {
namespace {

constexpr std::size_t k_shown_value_max = 64;
constexpr std::size_t k_shown_key_max = 128;
constexpr std::size_t k_compared_key_max = 64;  // for suggestions

using Json = nlohmann::json;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char character) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  });
  return text;
}

// Levenshtein.
std::size_t edit_distance(const std::string& left, const std::string& right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t column = 0; column < row.size(); ++column) row[column] = column;
  for (std::size_t line = 0; line < left.size(); ++line) {
    std::size_t diagonal = std::exchange(row[0], line + 1);
    for (std::size_t column = 0; column < right.size(); ++column) {
      const std::size_t replaced = diagonal + (left[line] == right[column] ? 0U : 1U);
      diagonal = row[column + 1];
      row[column + 1] = std::min({replaced, row[column] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::optional<std::string> nearest_property(const Json& properties, const std::string& key) {
  if (key.size() > k_compared_key_max) return std::nullopt;
  std::size_t best = std::max<std::size_t>(2, key.size() / 3) + 1;
  std::optional<std::string> nearest;
  for (const auto& [name, node] : properties.items()) {
    const std::size_t distance = edit_distance(lower(name), lower(key));
    if (distance < best) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string join(const std::vector<std::string>& words, const char* last_separator) {
  std::string text;
  for (std::size_t index = 0; index < words.size(); ++index) {
    if (index > 0) text += index + 1 == words.size() ? last_separator : ", ";
    text += words[index];
  }
  return text;
}

std::string in_words(const std::string& json_type) {
  if (json_type == "integer") return "an integer";
  if (json_type == "object") return "a mapping";
  if (json_type == "array") return "a list";
  if (json_type == "boolean") return "true or false";
  return "a " + json_type;
}

class Explainer {
 public:
  Explainer(const Schema& schema, const Json& instance, Findings& findings)
      : schema_(schema), instance_(instance), findings_(findings) {}

  // Explains what is wrong with the value itself, not with its parts.
  void explain(const std::vector<std::string>& steps) {
    const Json* value = &instance_;
    const Json* node = &schema_.root();
    Path path;
    for (const std::string& step : steps) {
      if (value->is_array()) {
        const std::size_t index = std::stoul(step);
        if (index >= value->size()) return;
        value = &(*value)[index];
        path.steps.push_back(index_step(index));
      } else {
        if (!value->is_object() || !value->contains(step)) return;
        value = &value->at(step);
        path.steps.push_back(step);
      }
      node = schema_.child(*node, path.steps.back());
      if (node == nullptr) return;
    }
    explain_value(*node, *value, path);
  }

 private:
  void explain_value(const Json& node, const Json& value, const Path& path) {
    if (!has_allowed_type(node, value)) return explain_type(node, value, path);
    if (node.contains("enum")) explain_enum(node, value, path);
    if (value.is_number()) explain_range(node, value, path);
    if (value.is_string()) explain_length(node, value.get_ref<const std::string&>().size(), path);
    if (value.is_array() && value.size() < node.value("minItems", std::size_t{0}))
      findings_.error(Rule::EmptyValue, path, dotted(path) + " is empty",
                      "write at least one item");
    if (value.is_object()) explain_members(node, value, path);
  }

  static bool has_type(const std::string& type, const Json& value) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();
  }

  static std::vector<std::string> allowed_types(const Json& node) {
    const auto type = node.find("type");
    if (type == node.end()) return {};
    if (type->is_string()) return {type->get<std::string>()};
    return type->get<std::vector<std::string>>();
  }

  static bool has_allowed_type(const Json& node, const Json& value) {
    const std::vector<std::string> types = allowed_types(node);
    return types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string& type) {
             return has_type(type, value);
           });
  }

  std::string shown(const Json& node, const Json& value, const Path& path) const {
    if (value.is_null()) return "nothing";
    if (value.is_string()) return "a string";
    if (value.is_object() || value.is_array()) return in_words(value.type_name());
    const std::string what = value.is_number() ? "number" : "boolean";
    if (node.value("writeOnly", false)) return "a " + what;
    std::string text = findings_.written_text(path);
    if (text.empty()) text = value.dump();
    return "the " + what + " " + printable(text, k_shown_value_max);
  }

  void explain_type(const Json& node, const Json& value, const Path& path) {
    std::vector<std::string> wanted;
    for (const std::string& type : allowed_types(node)) wanted.push_back(in_words(type));
    std::string write = "write " + join(wanted, " or ");
    const std::string text = findings_.written_text(path);
    const bool string_wanted = node.value("type", Json()) == "string";
    if (string_wanted && value.is_primitive() && !value.is_null()) {
      write = "put it in quotes";
      if (!text.empty() && !node.value("writeOnly", false)) write += ": \"" + text + "\"";
    }
    findings_.error(Rule::WrongType, path, dotted(path) + " is " + shown(node, value, path), write);
  }

  void explain_enum(const Json& node, const Json& value, const Path& path) {
    std::vector<std::string> allowed;
    for (const Json& word : node.at("enum")) {
      if (word == value) return;
      const std::string text = word.is_string() ? word.get<std::string>() : word.dump();
      if (!text.empty()) allowed.push_back(text);
    }
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    findings_.error(Rule::NotAllowedValue, path,
                    dotted(path) + " is `" + printable(text, k_shown_value_max) + "`",
                    "write " + join(allowed, " or "));
  }

  void explain_range(const Json& node, const Json& value, const Path& path) {
    const auto minimum = node.find("minimum");
    const auto maximum = node.find("maximum");
    const bool too_small = minimum != node.end() && value < *minimum;
    const bool too_large = maximum != node.end() && value > *maximum;
    if (!too_small && !too_large) return;
    findings_.error(Rule::OutOfRange, path, dotted(path) + " is " + value.dump(),
                    "write a number from " + minimum->dump() + " to " + maximum->dump());
  }

  void explain_length(const Json& node, std::size_t length, const Path& path) {
    if (length < node.value("minLength", std::size_t{0}))
      findings_.error(Rule::EmptyValue, path, dotted(path) + " is empty", "write a value");
    const std::size_t longest = node.value("maxLength", length);
    if (length > longest)
      findings_.error(Rule::OutOfRange, path,
                      dotted(path) + " is " + std::to_string(length) + " characters long",
                      "write at most " + std::to_string(longest));
  }

  void explain_members(const Json& node, const Json& value, const Path& path) {
    for (const Json& required : node.value("required", Json::array())) {
      const auto& name = required.get_ref<const std::string&>();
      if (!value.contains(name))
        findings_.error_at_key(Rule::MissingField, path, dotted(path) + " has no " + name,
                               "add " + dotted(path / name));
    }
    if (node.value("additionalProperties", Json(true)) != false) return;
    for (const auto& [key, part] : value.items())
      if (!node.at("properties").contains(key)) explain_unknown(node, key, path);
  }

  void explain_unknown(const Json& node, const std::string& key, const Path& path) {
    const std::optional<std::string> nearest = nearest_property(node.at("properties"), key);
    const std::string found = printable(key, k_shown_key_max);
    findings_.error_at_key(Rule::UnknownField, path / key,
                           dotted(path) + " has no field `" + found + "`",
                           nearest ? "did you mean `" + *nearest + "`?" : "remove it");
  }

  const Schema& schema_;
  const Json& instance_;
  Findings& findings_;
};

bool check_structure(const Schema& schema, const Json& instance, Findings& findings) {
  if (schema.validator().accepts(instance)) return true;
  // A failure repeats at every parent; ordered by path, each is explained once.
  const std::vector<std::vector<std::string>> failures = schema.validator().failures(instance);
  const std::size_t before = findings.all().size();
  Explainer explainer(schema, instance, findings);
  for (const auto& steps : std::set(failures.begin(), failures.end())) explainer.explain(steps);
  if (findings.all().size() == before)
    findings.error(Rule::SchemaMismatch, {}, "the document does not follow its schema",
                   "compare it with the kind's schema");
  return false;
}

}  // namespace

bool check_against_schema(const Schema& schema, const nlohmann::json& instance,
                          Findings& findings) {
  const bool fits = check_structure(schema, instance, findings);
  walk(schema, instance, [&](const SchemaVisit& visit) {
    check_format(visit, findings);
    return true;
  });
  return fits;
}

}  // namespace ray_gitops
