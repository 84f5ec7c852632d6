#include "reconcilers/declaration/schema.h"

#include <array>
#include <cstddef>

#include "schemas/embedded.h"

namespace ray_gitops {
namespace {

// "#/definitions/PodTemplate" -> "PodTemplate", or "" without a reference.
std::string_view referenced_name(const nlohmann::json& node) {
  const auto reference = node.find("$ref");
  if (reference == node.end()) return {};
  const auto& text = reference->get_ref<const std::string&>();
  return std::string_view(text).substr(text.rfind('/') + 1);
}

class Walker {
 public:
  Walker(const Schema& schema, const std::function<bool(const SchemaVisit&)>& visit)
      : schema_(schema), visit_(visit) {}

  void walk_root(const nlohmann::json& instance) {
    const auto& title = schema_.root().at("title").get_ref<const std::string&>();
    walk_value(instance, schema_.root(), title, {}, {});
  }

 private:
  // `inner` is the name of the definition that `node` stands for.
  void walk_value(const nlohmann::json& value, const nlohmann::json& node, std::string_view inner,
                  std::string_view owner, std::string_view field) {
    if (!visit_({path_, value, node, owner, field})) return;
    if (value.is_object()) walk_members(value, node, inner);
    if (value.is_array()) walk_items(value, node);
  }

  void walk_members(const nlohmann::json& value, const nlohmann::json& node,
                    std::string_view inner) {
    const auto properties = node.find("properties");
    const auto additional = node.find("additionalProperties");
    for (const auto& [key, part] : value.items()) {
      path_.steps.push_back(key);
      const bool is_property = properties != node.end() && properties->contains(key);
      if (is_property)
        walk_node(part, properties->at(key), inner, key);
      else if (additional != node.end() && additional->is_object())
        walk_node(part, *additional, {}, {});
      path_.steps.pop_back();
    }
  }

  void walk_items(const nlohmann::json& value, const nlohmann::json& node) {
    const auto items = node.find("items");
    if (items == node.end()) return;
    for (std::size_t index = 0; index < value.size(); ++index) {
      path_.steps.push_back(index_step(index));
      walk_node(value[index], *items, {}, {});
      path_.steps.pop_back();
    }
  }

  void walk_node(const nlohmann::json& value, const nlohmann::json& node, std::string_view owner,
                 std::string_view field) {
    walk_value(value, schema_.resolve(node), referenced_name(node), owner, field);
  }

  const Schema& schema_;
  const std::function<bool(const SchemaVisit&)>& visit_;
  Path path_;
};

void drop_nulls_in(const Schema& schema, const nlohmann::json& node, nlohmann::json& value) {
  if (value.is_array()) {
    for (nlohmann::json& item : value)
      if (const nlohmann::json* inner = schema.child(node, index_step(0)))
        drop_nulls_in(schema, *inner, item);
    return;
  }
  if (!value.is_object()) return;
  const auto properties = node.find("properties");
  for (auto member = value.begin(); member != value.end();) {
    const nlohmann::json* inner = schema.child(node, member.key());
    const bool is_property = properties != node.end() && properties->contains(member.key());
    if (member->is_null() && is_property) {
      member = value.erase(member);
      continue;
    }
    if (inner != nullptr) drop_nulls_in(schema, *inner, *member);
    ++member;
  }
}

}  // namespace

SchemaId schema_of(Kind kind) {
  if (kind > Kind::Secret) return SchemaId::Companion;
  return static_cast<SchemaId>(static_cast<std::uint8_t>(kind));
}

Schema::Schema(std::string_view text)
    : root_(nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false)), validator_(root_) {}

const Schema& Schema::of(SchemaId id) {
  static const std::array<Schema, 10> k_schemas{
      Schema(schemas::raycluster),  Schema(schemas::rayjob),           Schema(schemas::rayservice),
      Schema(schemas::raycronjob),  Schema(schemas::autoscalerpolicy), Schema(schemas::namespace_),
      Schema(schemas::configmap),   Schema(schemas::secret),           Schema(schemas::companion),
      Schema(schemas::agent_config)};
  return k_schemas.at(static_cast<std::size_t>(id));
}

const nlohmann::json& Schema::resolve(const nlohmann::json& node) const {
  const std::string_view name = referenced_name(node);
  return name.empty() ? node : root_.at("definitions").at(std::string(name));
}

const nlohmann::json* Schema::child(const nlohmann::json& node, const std::string& step) const {
  const auto properties = node.find("properties");
  if (properties != node.end()) {
    const auto property = properties->find(step);
    if (property != properties->end()) return &resolve(*property);
  }
  const bool is_list = node.contains("items");
  const auto rest = node.find(is_list ? "items" : "additionalProperties");
  return rest != node.end() && rest->is_object() ? &resolve(*rest) : nullptr;
}

const nlohmann::json* Schema::find(const Path& path) const {
  const nlohmann::json* node = &root_;
  for (const std::string& step : path.steps) {
    node = child(*node, step);
    if (node == nullptr) return nullptr;
  }
  return node;
}

void walk(const Schema& schema, const nlohmann::json& instance,
          const std::function<bool(const SchemaVisit&)>& visit) {
  Walker(schema, visit).walk_root(instance);
}

void drop_nulls(const Schema& schema, nlohmann::json& instance) {
  drop_nulls_in(schema, schema.root(), instance);
}

}  // namespace ray_gitops
