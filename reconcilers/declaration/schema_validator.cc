#include "reconcilers/declaration/schema_validator.h"

#include <exception>
#include <utility>

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "reconcilers/model/check.h"

// Without this (its CMake target sets it) the library aborts on a schema that it does not
// understand.
static_assert(VALIJSON_USE_EXCEPTIONS == 1);

namespace ray_gitops {

struct SchemaValidator::Compiled {
  valijson::Schema schema;
};

namespace {

// `pattern` is for editors: the library runs std::regex on it, which overflows the stack on long
// strings, so that the same syntax is checked in linear time where we check `format`. Formats of
// ours are failures to the library.
nlohmann::json without_text_keywords(nlohmann::json schema) {
  for (const char* keyword : {"pattern", "format"})
    if (schema.is_object() && schema.contains(keyword) && schema.at(keyword).is_string())
      schema.erase(keyword);
  if (schema.is_structured())
    for (nlohmann::json& part : schema) part = without_text_keywords(std::move(part));
  return schema;
}

bool compile(const nlohmann::json& source, valijson::Schema& schema) {
  try {
    const nlohmann::json stripped = without_text_keywords(source);
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(stripped), schema);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool validate(const valijson::Schema& schema, const nlohmann::json& instance,
              valijson::ValidationResults* results) {
  try {
    valijson::Validator validator;
    return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(instance), results);
  } catch (const std::exception&) {
    return false;
  }
}

// "[key]" -> "key"; the library marks list indexes in the same way.
std::vector<std::string> to_steps(const std::vector<std::string>& context) {
  std::vector<std::string> steps;
  for (const std::string& part : context)
    if (part.size() >= 2 && part.front() == '[') steps.push_back(part.substr(1, part.size() - 2));
  return steps;
}

}  // namespace

SchemaValidator::SchemaValidator(const nlohmann::json& schema) {
  auto compiled = std::make_unique<Compiled>();
  CHECK(compile(schema, compiled->schema));
  compiled_ = std::move(compiled);
}

SchemaValidator::~SchemaValidator() = default;
SchemaValidator::SchemaValidator(SchemaValidator&&) noexcept = default;

bool SchemaValidator::accepts(const nlohmann::json& instance) const {
  return validate(compiled_->schema, instance, nullptr);
}

std::vector<std::vector<std::string>> SchemaValidator::failures(
    const nlohmann::json& instance) const {
  valijson::ValidationResults results;
  static_cast<void>(validate(compiled_->schema, instance, &results));
  std::vector<std::vector<std::string>> failures;
  for (const auto& error : results) failures.push_back(to_steps(error.context));
  return failures;
}

}  // namespace ray_gitops
