#pragma once
// A store with its namespaces, and requests in as few words as a test can have.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/store/store.h"

namespace ray_gitops::local_cluster {

inline constexpr WallTime k_noon{1'767'268'800'000};  // 2026-01-01T12:00:00Z

struct StoreFixture {
  explicit StoreFixture(StoreOptions options = {}) : store(options) { store.bootstrap(now); }

  ApiAnswer send(const std::string& method, const std::string& path,
                 const nlohmann::json& body = {}, std::map<std::string, std::string> query = {},
                 const std::string& content_type = "application/json");
  ApiAnswer apply(const std::string& path, const nlohmann::json& body, const std::string& manager,
                  bool force = false);
  // What is at a name now, or null.
  nlohmann::json object(const std::string& plural, const std::string& name) const;

  Store store;
  WallTime now = k_noon;
};

nlohmann::json config_map(const std::string& name, const nlohmann::json& data);
nlohmann::json pod(const std::string& name,
                   const nlohmann::json& labels = nlohmann::json::object());
nlohmann::json service(const std::string& name, const nlohmann::json& spec);
nlohmann::json owner_reference(const nlohmann::json& owner);
// "ADDED configmaps/a" for each change after `revision`.
std::vector<std::string> render_changes(const Store& store, std::int64_t revision);

inline constexpr const char* k_config_maps = "/api/v1/namespaces/default/configmaps";
inline constexpr const char* k_pods = "/api/v1/namespaces/default/pods";
inline constexpr const char* k_services = "/api/v1/namespaces/default/services";

}  // namespace ray_gitops::local_cluster
