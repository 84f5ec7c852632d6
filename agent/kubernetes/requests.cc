#include "agent/kubernetes/requests.h"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr const char* k_json = "application/json";
constexpr const char* k_apply_patch = "application/apply-patch+yaml";

// RFC 3986: everything but unreserved characters.
std::string percent_encode(std::string_view text) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const bool alphanumeric = (character >= 'a' && character <= 'z') ||
                              (character >= 'A' && character <= 'Z') ||
                              (character >= '0' && character <= '9');
    if (alphanumeric || std::string_view{"-._~"}.find(character) != std::string_view::npos) {
      encoded += character;
      continue;
    }
    const auto byte = static_cast<unsigned char>(character);
    encoded += '%';
    encoded += k_digits[byte >> 4U];
    encoded += k_digits[byte & 15U];
  }
  return encoded;
}

std::string api_root(ResourceType type) {
  const std::string version = api_version_of(type);
  return (version.find('/') == std::string::npos ? "/api/" : "/apis/") + version;
}

bool is_segment(const std::string& text) { return !text.empty() && text != "." && text != ".."; }

// The path of the type within the key's namespace.
Result<std::string> collection_path(const ResourceKey& key) {
  std::string path = api_root(key.type);
  if (key.type != ResourceType::Namespace) {
    if (!is_segment(key.ns))
      return fail(ErrorCode::InvalidInput, "it has no valid namespace", to_string(key));
    path += "/namespaces/" + percent_encode(key.ns);
  }
  return path + "/" + plural_of(key.type);
}

Result<std::string> object_path(const ResourceKey& key) {
  if (!is_segment(key.name))
    return fail(ErrorCode::InvalidInput, "it has no valid name", to_string(key));
  return TRY(collection_path(key)) + "/" + percent_encode(key.name);
}

std::string selected(const Collection& collection) {
  const std::string ns =
      collection.ns.empty() ? std::string{} : "/namespaces/" + percent_encode(collection.ns);
  return api_root(collection.type) + ns + "/" + plural_of(collection.type) + "?labelSelector=" +
         percent_encode(std::string{labels::k_agent} + "=" + collection.agent_id);
}

std::string with_manager(const std::string& path) {
  return path + "?fieldManager=" + k_field_manager;
}

// The server checks a uid and resource version that stand in the body (409 when they differ).
std::string guarded_body(const Action& action) {
  Json body = action.body.json();
  if (!body.is_object()) return action.body.canonical();
  Json& metadata = body["metadata"];
  if (!metadata.is_object()) metadata = Json::object();
  if (!action.preconditions.uid.empty()) metadata["uid"] = action.preconditions.uid;
  if (!action.preconditions.resource_version.empty())
    metadata["resourceVersion"] = action.preconditions.resource_version;
  return Document{std::move(body)}.canonical();
}

std::string delete_options(const Preconditions& preconditions) {
  Json options{
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty())
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  return options.dump();
}

}  // namespace

ApiRequest render_list(const Collection& collection, const std::string& continue_token) {
  std::string target = selected(collection) + "&limit=" + std::to_string(k_list_page_objects);
  if (!continue_token.empty()) target += "&continue=" + percent_encode(continue_token);
  return {"GET", std::move(target), {}, {}};
}

ApiRequest render_watch(const Collection& collection, const std::string& resource_version) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(k_watch_time).count();
  return {"GET",
          selected(collection) + "&watch=1&allowWatchBookmarks=true&timeoutSeconds=" +
              std::to_string(seconds) + "&resourceVersion=" + percent_encode(resource_version),
          {},
          {}};
}

Result<ApiRequest> render_read(const ResourceKey& key) {
  return ApiRequest{"GET", TRY(object_path(key)), {}, {}};
}

Result<ApiRequest> render_write(const Action& action) {
  const std::string object = TRY(object_path(action.target));
  switch (action.verb) {
    case Verb::Create:
      return ApiRequest{"POST", with_manager(TRY(collection_path(action.target))), k_json,
                        action.body.canonical()};
    case Verb::Apply:
      return ApiRequest{"PATCH", with_manager(object) + (action.force ? "&force=true" : ""),
                        k_apply_patch, guarded_body(action)};
    case Verb::Replace:
      return ApiRequest{"PUT", with_manager(object), k_json, guarded_body(action)};
    case Verb::Delete:
      return ApiRequest{"DELETE", object, k_json, delete_options(action.preconditions)};
  }
  return fail(ErrorCode::Internal, "unknown verb", to_string(action.target));
}

}  // namespace ray_gitops::kubernetes
