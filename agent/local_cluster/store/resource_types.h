#pragma once
// The resource types this cluster knows: what a real API server says about them in discovery.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ray_gitops::local_cluster {

// How DELETE answers when the object is gone at once: the real server differs by type.
enum class DeleteAnswer : std::uint8_t { Status, Object };

struct ResourceType {
  std::string_view group = {};  // empty for the core group
  std::string_view version = {};
  std::string_view plural = {};  // unique over all groups here; the `plural` of every StoreKey
  std::string_view kind = {};
  std::string_view singular = {};
  std::string_view short_name = {};  // what kubectl accepts instead of the plural, or empty
  bool namespaced = true;
  bool has_status = false;      // has the subresource `status`
  bool has_generation = false;  // counts changes of its spec in metadata.generation
  bool in_category_all = false;
  bool creates_on_update = false;  // PUT makes what is not there
  DeleteAnswer delete_answer = DeleteAnswer::Status;
};

std::span<const ResourceType> resource_types();
// nullptr when there is no such type.
const ResourceType* find_type(std::string_view group, std::string_view version,
                              std::string_view plural);
const ResourceType* find_type_by_plural(std::string_view plural);

// "v1", "coordination.k8s.io/v1".
std::string api_version_of(const ResourceType& type);
// "configmaps", "leases.coordination.k8s.io": the way errors name a type.
std::string qualified_name_of(const ResourceType& type);

}  // namespace ray_gitops::local_cluster
