// The schemas, the table of field support and docs/ say the same.

#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/field_support.h"
#include "reconcilers/declaration/rules.h"
#include "reconcilers/declaration/schema.h"
#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

constexpr SchemaId k_schemas[] = {
    SchemaId::RayCluster,       SchemaId::RayJob,     SchemaId::RayService, SchemaId::RayCronJob,
    SchemaId::AutoscalerPolicy, SchemaId::Namespace,  SchemaId::ConfigMap,  SchemaId::Secret,
    SchemaId::Companion,        SchemaId::AgentConfig};

// Definition -> field -> description, of all schemas.
using Fields = std::map<std::string, std::map<std::string, std::string>>;

void collect(const std::string& definition, const Json& node, Fields& fields) {
  const Json properties = node.value("properties", Json::object());
  for (const auto& [name, property] : properties.items())
    fields[definition][name] = property.value("description", "");
}

Fields all_fields() {
  Fields fields;
  for (const SchemaId id : k_schemas) {
    const Json& root = Schema::of(id).root();
    collect(root.at("title"), root, fields);
    for (const auto& [name, node] : root.at("definitions").items()) collect(name, node, fields);
  }
  return fields;
}

void expect_no_nested_properties(const Json& node, const std::string& place) {
  if (!node.is_structured()) return;
  EXPECT_FALSE(node.is_object() && node.contains("properties"))
      << place << ": give an object with properties a definition of its own";
  for (const auto& [key, part] : node.items()) expect_no_nested_properties(part, place + "/" + key);
}

TEST(Fields, every_schema_field_has_a_row_in_the_table) {
  for (const auto& [definition, fields] : all_fields())
    for (const auto& [field, description] : fields)
      EXPECT_NE(find_field_support(definition, field), nullptr) << definition << "." << field;
}

TEST(Fields, every_row_of_the_table_has_a_field) {
  const Fields fields = all_fields();
  for (const FieldSupport& row : all_field_support()) {
    if (row.definition == k_annotations || row.definition == k_labels) continue;
    const auto definition = fields.find(std::string(row.definition));
    ASSERT_NE(definition, fields.end()) << row.definition;
    EXPECT_TRUE(definition->second.contains(std::string(row.field)))
        << row.definition << "." << row.field;
  }
}

TEST(Fields, the_table_is_sorted_and_says_what_to_write) {
  const auto rows = all_field_support();
  for (std::size_t index = 0; index < rows.size(); ++index) {
    EXPECT_TRUE(index == 0 || std::pair(rows[index - 1].definition, rows[index - 1].field) <
                                  std::pair(rows[index].definition, rows[index].field))
        << rows[index].definition << "." << rows[index].field;
    EXPECT_EQ(rows[index].support == Support::ActedOn, rows[index].write.empty());
    EXPECT_TRUE(rows[index].neutral.empty() ||
                Json::parse(rows[index].neutral, nullptr, false).is_array())
        << rows[index].definition << "." << rows[index].field;
  }
}

TEST(Fields, every_schema_field_is_described_in_a_definition) {
  for (const auto& [definition, fields] : all_fields())
    for (const auto& [field, description] : fields)
      EXPECT_FALSE(description.empty()) << definition << "." << field;
  for (const SchemaId id : k_schemas) {
    const Json& root = Schema::of(id).root();
    for (const auto& [name, property] : root.at("properties").items())
      expect_no_nested_properties(property, name);
    for (const auto& [name, node] : root.at("definitions").items()) {
      const Json properties = node.value("properties", Json::object());
      for (const auto& [field, property] : properties.items())
        expect_no_nested_properties(property, name + "." + field);
    }
  }
}

TEST(Fields, the_documentation_lists_the_table) {
  const Fields fields = all_fields();
  std::string text =
      "# Fields\n\nWhat the agent does with each field of a watched file. Written by the unit "
      "tests "
      "of\n`reconcilers/declaration` from its table and from `schemas/`.\n\n"
      "*Acted on*: it has the effect that its description says. *No effect yet*: it is accepted, "
      "and "
      "a\n`NotSupportedYet` warning says so. *Refused*: to ignore it would be unsafe, so the "
      "document "
      "is\nBlocked and nothing is created for it.\n";
  std::string_view definition;
  for (const FieldSupport& row : all_field_support()) {
    if (row.definition != definition) {
      definition = row.definition;
      text += "\n## " + std::string(definition) +
              "\n\n| field | support | description | what to do |\n"
              "|---|---|---|---|\n";
    }
    const auto known = fields.find(std::string(row.definition));
    text += "| `" + std::string(row.field) + "` | " + name_of(row.support) + " | " +
            (known == fields.end() ? "" : known->second.at(std::string(row.field))) + " | " +
            std::string(row.write) + " |\n";
  }
  expect_golden("docs/fields.md", text);
}

TEST(Rules, the_documentation_lists_every_rule) {
  std::string text =
      "# Rules\n\nThe rules that watched files and the agent's configuration are checked by. A "
      "diagnostic reads\n`file:line:column rule: what was found; what to write`. Written by the "
      "unit "
      "tests of\n`reconcilers/declaration`.\n\n| rule | what holds |\n|---|---|\n";
  for (const RuleInfo& rule : all_rules())
    text += "| `" + std::string(rule.id) + "` | " + std::string(rule.meaning) + " |\n";
  expect_golden("docs/rules.md", text);
}

TEST(Rules, stand_in_the_order_of_their_enumeration_with_ids_of_their_own) {
  std::set<std::string_view> ids;
  for (std::size_t index = 0; index < all_rules().size(); ++index) {
    EXPECT_EQ(static_cast<std::size_t>(all_rules()[index].rule), index);
    EXPECT_TRUE(ids.insert(all_rules()[index].id).second);
  }
  EXPECT_EQ(all_rules().back().rule, Rule::StatusTiming);
}

TEST(Schemas, are_complete_for_the_fields_that_kuberay_has) {
  const Fields fields = all_fields();
  const auto count = [&](const char* definition) { return fields.at(definition).size(); };
  EXPECT_EQ(count("RayClusterSpec"), 14U);
  EXPECT_EQ(count("HeadGroupSpec"), 8U);
  EXPECT_EQ(count("WorkerGroupSpec"), 13U);
  EXPECT_EQ(count("AutoscalerOptions"), 12U);
  EXPECT_EQ(count("RayJobSpec"), 20U);
  EXPECT_EQ(count("RayServiceSpec"), 10U);
  EXPECT_EQ(count("RayCronJobSpec"), 4U);
}

}  // namespace
}  // namespace ray_gitops::test
