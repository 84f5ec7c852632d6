#include "agent/local_cluster/kubelet/environment.h"

#include <cmath>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/quantity.h"
#include "agent/local_cluster/store/base64.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

Result<std::string> decode_base64(const std::string& encoded) {
  auto decoded = parse_base64(encoded);
  if (!decoded) return fail(ErrorCode::InvalidInput, "the value is not base64");
  return std::move(*decoded);
}

bool is_secret(const Document& object) { return text(member(object.json(), "kind")) == "Secret"; }

// The key between [' and '], of "metadata.labels['ray.io/cluster']".
std::optional<std::string> subscript(const std::string& path, const std::string& prefix) {
  const std::string opening = prefix + "['";
  if (!path.starts_with(opening) || !path.ends_with("']")) return std::nullopt;
  return path.substr(opening.size(), path.size() - opening.size() - 2);
}

Result<std::string> resolve_field(const EnvironmentInput& input, const std::string& path) {
  const json& metadata = member(input.pod, "metadata");
  if (const auto key = subscript(path, "metadata.labels")) {
    return text(member(metadata, "labels", *key));
  }
  if (const auto key = subscript(path, "metadata.annotations")) {
    return text(member(metadata, "annotations", *key));
  }
  if (path == "metadata.name") return text(member(metadata, "name"));
  if (path == "metadata.namespace") return text(member(metadata, "namespace"));
  if (path == "metadata.uid") return text(member(metadata, "uid"));
  if (path == "spec.nodeName") return input.node_name;
  if (path == "spec.serviceAccountName") {
    return text(member(input.pod, "spec", "serviceAccountName"), "default");
  }
  if (path == "status.podIP" || path == "status.podIPs") return input.pod_address;
  if (path == "status.hostIP" || path == "status.hostIPs") return input.host_address;
  return fail(ErrorCode::InvalidInput, "the local cluster does not know the field " + path);
}

Result<std::string> resolve_resource(const EnvironmentInput& input, const json& reference) {
  const std::string resource = text(member(reference, "resource"));
  const auto dot = resource.find('.');
  const std::string side = resource.substr(0, dot);
  const std::string name = dot == std::string::npos ? "" : resource.substr(dot + 1);
  const json& quantity = member(member(input.container, "resources", side), name);
  const auto amount = parse_quantity(text(quantity, "0"));
  const auto divisor = parse_quantity(text(member(reference, "divisor"), "1"));
  if (!amount || !divisor) {
    return fail(ErrorCode::InvalidInput, "the resource " + resource + " is no quantity");
  }
  const double unit = *divisor == 0 ? 1 : *divisor;
  return std::to_string(static_cast<std::int64_t>(std::ceil(*amount / unit)));
}

struct KeyReference {
  std::string plural;
  std::string name;
  std::string key;
  bool optional = false;
};

// nullopt: an optional one that is not there.
Result<std::optional<std::string>> resolve_key(const EnvironmentInput& input,
                                               const KeyReference& reference) {
  const Document object = input.find(reference.plural, reference.name);
  if (object.is_null()) {
    if (reference.optional) return std::nullopt;
    return fail(ErrorCode::InvalidInput,
                "there is no " + reference.plural + "/" + reference.name + " in the namespace");
  }
  auto value = read_key(object, reference.key);
  if (value) return std::optional<std::string>(std::move(value).value());
  if (value.error().code == ErrorCode::NotFound && reference.optional) return std::nullopt;
  return fail(ErrorCode::InvalidInput,
              reference.plural + "/" + reference.name + ": " + value.error().message);
}

KeyReference parse_key_reference(const std::string& plural, const json& value) {
  return {plural, text(member(value, "name")), text(member(value, "key")),
          boolean(member(value, "optional"))};
}

Result<std::optional<std::string>> resolve_source(const EnvironmentInput& input,
                                                  const json& source) {
  if (source.contains("fieldRef")) {
    return std::optional<std::string>(
        TRY(resolve_field(input, text(member(source, "fieldRef", "fieldPath")))));
  }
  if (source.contains("resourceFieldRef")) {
    return std::optional<std::string>(
        TRY(resolve_resource(input, member(source, "resourceFieldRef"))));
  }
  if (source.contains("secretKeyRef")) {
    return resolve_key(input, parse_key_reference("secrets", member(source, "secretKeyRef")));
  }
  if (source.contains("configMapKeyRef")) {
    return resolve_key(input, parse_key_reference("configmaps", member(source, "configMapKeyRef")));
  }
  return fail(ErrorCode::InvalidInput, "the local cluster does not support this valueFrom");
}

Result<void> add_all_keys(const EnvironmentInput& input, const json& source,
                          Environment& environment) {
  const std::string prefix = text(member(source, "prefix"));
  for (const auto& [field, plural] :
       {std::pair{"configMapRef", "configmaps"}, std::pair{"secretRef", "secrets"}}) {
    const json& reference = member(source, field);
    if (!reference.is_object()) continue;
    const std::string name = text(member(reference, "name"));
    const Document object = input.find(plural, name);
    if (object.is_null()) {
      if (boolean(member(reference, "optional"))) continue;
      return fail(ErrorCode::InvalidInput,
                  "there is no " + std::string(plural) + "/" + name + " in the namespace");
    }
    for (auto& [key, value] : TRY(read_keys(object))) {
      set_variable(environment, prefix + key, value);
    }
  }
  return {};
}

}  // namespace

std::string expand_references(std::string_view text,
                              const std::map<std::string, std::string>& names) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] != '$' || (next != '$' && next != '(')) {
      result.push_back(text[i]);
      continue;
    }
    if (next == '$') {
      result.push_back('$');
      ++i;
      continue;
    }
    const auto end = text.find(')', i + 2);
    if (end == std::string_view::npos) {
      result.push_back('$');
      continue;
    }
    const auto known = names.find(std::string(text.substr(i + 2, end - i - 2)));
    result += known == names.end() ? text.substr(i, end + 1 - i) : known->second;
    i = end;
  }
  return result;
}

void set_variable(Environment& environment, const std::string& name, std::string value) {
  for (auto& [known, old] : environment) {
    if (known != name) continue;
    old = std::move(value);
    return;
  }
  environment.emplace_back(name, std::move(value));
}

Result<std::string> read_key(const Document& object, const std::string& key) {
  const json& plain = member(object.json(), "data", key);
  if (plain.is_string()) return is_secret(object) ? decode_base64(text(plain)) : text(plain);
  const json& binary = member(object.json(), "binaryData", key);
  if (binary.is_string()) return decode_base64(text(binary));
  return fail(ErrorCode::NotFound, "it has no key " + key);
}

Result<std::map<std::string, std::string>> read_keys(const Document& object) {
  std::map<std::string, std::string> result;
  for (const char* field : {"data", "binaryData"}) {
    for (const auto& [key, ignored] : text_map(member(object.json(), field))) {
      result[key] = TRY(read_key(object, key));
    }
  }
  return result;
}

Result<Environment> resolve_environment(const EnvironmentInput& input, const Environment& base) {
  Environment result = base;
  for (const json& source : elements(member(input.container, "envFrom"))) {
    TRY(add_all_keys(input, source, result));
  }
  for (const json& entry : elements(member(input.container, "env"))) {
    const std::string name = text(member(entry, "name"));
    const json& source = member(entry, "valueFrom");
    if (source.is_object()) {
      auto value = TRY(resolve_source(input, source));
      if (value) set_variable(result, name, std::move(*value));
      continue;
    }
    const std::map<std::string, std::string> known(result.begin(), result.end());
    set_variable(result, name, expand_references(text(member(entry, "value")), known));
  }
  return result;
}

}  // namespace ray_gitops::local_cluster
