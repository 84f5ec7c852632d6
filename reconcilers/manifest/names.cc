#include "reconcilers/manifest/names.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/object_parts.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

constexpr std::size_t k_slot_digits_max = 6;

}  // namespace

std::string fit_name(const std::string& name, std::size_t bytes_max) {
  constexpr std::size_t k_hash_digits = 8;
  if (name.size() <= bytes_max) return name;
  return name.substr(0, bytes_max - k_hash_digits - 1) + "-" + short_hash(name, k_hash_digits);
}

std::string head_pod_name(const std::string& cluster) { return fit_name(cluster + "-head"); }

std::string worker_pod_prefix(const std::string& cluster, const std::string& group) {
  constexpr std::string_view k_tail = "-worker-";
  return fit_name(cluster + "-" + lower(group),
                  k_name_bytes_max - k_tail.size() - k_slot_digits_max) +
         std::string(k_tail);
}

std::string worker_pod_name(const std::string& cluster, const std::string& group,
                            std::int64_t slot) {
  return worker_pod_prefix(cluster, group) + std::to_string(slot);
}

std::string replica_name(const std::string& group, std::int64_t index) {
  return fit_name(group, k_name_bytes_max - k_slot_digits_max - 1) + "-" + std::to_string(index);
}

std::optional<std::int64_t> slot_of(const std::string& pod_name, const std::string& cluster,
                                    const std::string& group) {
  return slot_after(worker_pod_prefix(cluster, group), pod_name);
}

std::optional<std::int64_t> slot_after(const std::string& prefix, const std::string& pod_name) {
  if (!pod_name.starts_with(prefix)) return std::nullopt;
  std::int64_t slot = 0;
  const char* const begin = pod_name.data() + prefix.size();
  const char* const end = pod_name.data() + pod_name.size();
  const auto [stop, error] = std::from_chars(begin, end, slot);
  if (error != std::errc{} || stop != end || slot < 0) return std::nullopt;
  if (end - begin > 1 && *begin == '0') return std::nullopt;  // no name of ours
  return slot;
}

std::string head_service_name(const std::string& cluster, const RayClusterSpec& spec) {
  const nlohmann::json& service = spec.head_service.json();
  const auto metadata = service.is_object() ? service.find("metadata") : service.end();
  if (metadata != service.end())
    if (std::string name = text_member(*metadata, "name"); !name.empty()) return name;
  return cluster + "-head-svc";
}

std::string token_secret_name(const std::string& cluster, const RayClusterSpec& spec) {
  return spec.token_secret.empty() ? cluster : spec.token_secret;
}

std::string workers_service_name(const std::string& cluster) {
  return fit_name(cluster + "-headless");
}

bool is_serve_port_name(std::string_view name) {
  return name == k_serve_port_name || name.starts_with(std::string(k_serve_port_name) + "-");
}

std::string service_fqdn(const std::string& service, const std::string& ns) {
  return service + "." + ns + ".svc.cluster.local";
}

ResourceKey anchor_key(const ObjectKey& key) {
  return {ResourceType::ConfigMap, key.ns, lower(name_of(key.kind)) + "." + key.name};
}

ResourceKey agent_anchor_key(const std::string& agent_ns, const std::string& agent_id) {
  return {ResourceType::ConfigMap, agent_ns, "ray-gitops." + agent_id};
}

ResourceKey agent_lease_key(const std::string& agent_ns, const std::string& agent_id) {
  return {ResourceType::Lease, agent_ns, "ray-gitops-" + agent_id};
}

std::string identifier_label(const std::string& text) {
  std::string label =
      text.size() > k_name_bytes_max ? text.substr(text.size() - k_name_bytes_max) : text;
  if (!label.empty() && std::ispunct(static_cast<unsigned char>(label.front())) != 0)
    label.front() = 'r';
  return label;
}

}  // namespace ray_gitops
