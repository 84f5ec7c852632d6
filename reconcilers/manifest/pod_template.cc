#include "reconcilers/manifest/pod_template.h"

#include <nlohmann/json.hpp>

namespace ray_gitops {
namespace {

const nlohmann::json* ray_container(const Document& pod_template) {
  static const nlohmann::json::json_pointer k_path{"/spec/containers/0"};
  const nlohmann::json& json = pod_template.json();
  if (!json.is_object() || !json.contains(k_path)) return nullptr;
  const nlohmann::json& container = json.at(k_path);
  return container.is_object() ? &container : nullptr;
}

}  // namespace

std::map<std::string, std::string> ray_container_resources(const Document& pod_template,
                                                           const char* list) {
  std::map<std::string, std::string> quantities;
  const nlohmann::json* container = ray_container(pod_template);
  const nlohmann::json::json_pointer path{std::string("/resources/") + list};
  if (container == nullptr || !container->contains(path)) return quantities;
  const nlohmann::json& found = container->at(path);
  if (!found.is_object()) return quantities;
  for (const auto& [name, quantity] : found.items())
    quantities[name] = quantity.is_string() ? quantity.get<std::string>() : quantity.dump();
  return quantities;
}

std::string ray_container_image(const Document& pod_template) {
  const nlohmann::json* container = ray_container(pod_template);
  if (container == nullptr || !container->contains("image")) return {};
  const nlohmann::json& image = (*container)["image"];
  return image.is_string() ? image.get<std::string>() : std::string{};
}

}  // namespace ray_gitops
