#include "reconcilers/manifest/ray_start.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "reconcilers/manifest/pod_template.h"
#include "reconcilers/manifest/quantity.h"

namespace ray_gitops {
namespace {

using Params = std::map<std::string, std::string>;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return text;
}

bool is_gpu(const std::string& resource) {
  static const re2::RE2 k_mig_profile{R"(nvidia\.com/mig-\d+g\.\d+gb)"};
  return resource.ends_with("gpu") || re2::RE2::FullMatch(resource, k_mig_profile);
}

// Whole numbers without a decimal point, as Ray's own samples write them.
nlohmann::json resource_number(const std::string& quantity) {
  const std::optional<std::int64_t> milli = parse_milli(quantity);
  if (!milli) return 0;
  if (*milli % 1000 == 0) return *milli / 1000;
  return static_cast<double>(*milli) / 1000.0;
}

// The `resources` flag is a JSON object in single quotes; users also write other quotes.
nlohmann::json parse_resources_flag(const Params& params) {
  const auto found = params.find("resources");
  if (found == params.end()) return nlohmann::json::object();
  std::string_view text = found->second;
  constexpr std::string_view k_around = "'\"` \\";
  while (!text.empty() && k_around.find(text.front()) != text.npos) text.remove_prefix(1);
  while (!text.empty() && k_around.find(text.back()) != text.npos) text.remove_suffix(1);
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

void set_resources_flag(Params& params, const nlohmann::json& resources) {
  params["resources"] = "'" + resources.dump() + "'";
}

// The group's `resources` field replaces what Ray would read from the container.
void fold_resources(const GroupSpec& group, Params& params) {
  nlohmann::json custom = nlohmann::json::object();
  for (const auto& [name, quantity] : group.resources) {
    const std::string kind = lower(name);
    const std::optional<std::int64_t> whole = parse_whole(quantity);
    if (!whole) continue;
    if (kind == "cpu")
      params["num-cpus"] = std::to_string(*whole);
    else if (kind == "memory")
      params["memory"] = std::to_string(*whole);
    else if (is_gpu(kind))
      params["num-gpus"] = std::to_string(*whole);
    else
      custom[name] = resource_number(quantity);
  }
  if (!custom.empty()) set_resources_flag(params, custom);
}

void fold_labels(const GroupSpec& group, Params& params) {
  std::string labels;
  for (const auto& [key, value] : group.labels) {
    if (!labels.empty()) labels += ",";
    labels += key;
    labels += "=";
    labels += value;
  }
  if (!labels.empty()) params["labels"] = labels;
}

void derive_whole(const std::string& flag, const std::string& quantity, Params& params) {
  const std::optional<std::int64_t> whole = parse_whole(quantity);
  if (whole && *whole > 0) params.try_emplace(flag, std::to_string(*whole));
}

// At most one accelerator, in the order of the limits' names: neuron cores before TPUs.
void derive_accelerator(const std::map<std::string, std::string>& limits, Params& params) {
  struct Accelerator {
    const char* kubernetes;
    const char* ray;
  };
  constexpr std::array<Accelerator, 2> k_accelerators{{
      {"aws.amazon.com/neuroncore", "neuron_cores"},
      {"google.com/tpu", "TPU"},
  }};
  nlohmann::json resources = parse_resources_flag(params);
  if (!resources.is_object()) return;
  for (const Accelerator& known : k_accelerators)
    if (resources.contains(known.ray)) return;
  for (const Accelerator& known : k_accelerators) {
    const auto limit = limits.find(known.kubernetes);
    if (limit == limits.end() || parse_milli(limit->second).value_or(0) == 0) continue;
    resources[known.ray] = resource_number(limit->second);
    set_resources_flag(params, resources);
    return;
  }
}

void derive_from_container(const GroupSpec& group, Params& params) {
  const auto limits = ray_container_resources(group.pod_template, "limits");
  const auto requests = ray_container_resources(group.pod_template, "requests");
  const auto quantity_of = [](const auto& from, const char* name) {
    const auto found = from.find(name);
    return found == from.end() ? std::string{} : found->second;
  };
  const std::string cpu_limit = quantity_of(limits, "cpu");
  derive_whole("num-cpus", cpu_limit.empty() ? quantity_of(requests, "cpu") : cpu_limit, params);
  derive_whole("memory", quantity_of(limits, "memory"), params);
  for (const auto& [name, quantity] : limits)
    if (is_gpu(name)) derive_whole("num-gpus", quantity, params);
  derive_accelerator(limits, params);
}

bool is_switch(const std::string& key) {
  return key != "log-color" && key != "include-dashboard" && key != "include-log-monitor";
}

std::string head_param(const RayClusterSpec& spec, const char* name, const char* otherwise) {
  const auto found = spec.head.ray_start_params.find(name);
  return found == spec.head.ray_start_params.end() ? otherwise : found->second;
}

}  // namespace

std::map<std::string, std::string> ray_start_params(const GroupSpec& group,
                                                    const std::string& address) {
  Params params = group.ray_start_params;
  fold_resources(group, params);
  fold_labels(group, params);
  derive_from_container(group, params);
  params.try_emplace("metrics-export-port", "8080");
  params.try_emplace("dashboard-agent-listen-port", "52365");
  params["block"] = "true";
  if (address.empty()) {
    params.try_emplace("dashboard-host", "0.0.0.0");
    params["no-monitor"] = "true";
  } else {
    params.try_emplace("address", address);
  }
  return params;
}

std::string render_ray_start(const std::map<std::string, std::string>& params, bool head) {
  std::string line = head ? "ray start --head " : "ray start ";
  for (const auto& [key, value] : params) {
    const std::string word = lower(value);
    if (is_switch(key) && word == "false") continue;
    line += " --" + key;
    line += is_switch(key) && word == "true" ? " " : "=" + value + " ";
  }
  return line;
}

std::string gcs_port(const RayClusterSpec& spec) {
  return head_param(spec, "port", k_gcs_port_default);
}

std::string agent_port(const RayClusterSpec& spec) {
  return head_param(spec, "dashboard-agent-listen-port", "52365");
}

std::string dashboard_port(const RayClusterSpec& spec) {
  return head_param(spec, "dashboard-port", "8265");
}

}  // namespace ray_gitops
