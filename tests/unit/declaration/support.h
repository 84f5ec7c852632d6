#pragma once
// What the tests of this folder share.

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "reconcilers/declaration/parse.h"

namespace ray_gitops::test {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline bool updates_golden() { return std::getenv("RAY_GITOPS_UPDATE_GOLDEN") != nullptr; }

// Compares with a file of the repository, or writes it with RAY_GITOPS_UPDATE_GOLDEN=1.
inline void expect_golden(const std::string& path, const std::string& text) {
  if (updates_golden()) std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(read_text(path), text) << path << " (RAY_GITOPS_UPDATE_GOLDEN=1 rewrites it)";
}

inline ParsedFile parse(std::string_view text) {
  return parse_file({"demo.yaml", text, ""}, "team");
}

inline std::string listed(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics)
    text += (diagnostic.severity == Severity::Error ? "error " : "warning ") +
            to_string(diagnostic) + "\n";
  return text;
}

// "3:5 UnknownField" of each, for short expectations.
inline std::string places(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics)
    text += (text.empty() ? "" : ", ") + std::to_string(diagnostic.line) + ":" +
            std::to_string(diagnostic.column) + " " + diagnostic.rule;
  return text;
}

inline const std::string k_head =
    "  headGroupSpec:\n"
    "    template:\n"
    "      spec:\n"
    "        containers:\n"
    "        - name: ray-head\n"
    "          image: rayproject/ray:2.9.0\n";

// A RayCluster called demo; `more` is added to its spec, which begins on line 6.
inline std::string cluster(const std::string& more = {}) {
  return "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: demo\nspec:\n" + k_head +
         more;
}

// A worker group for `cluster`; `fields` are its first lines, indented by four.
inline std::string workers(const std::string& fields) {
  return "  workerGroupSpecs:\n"
         "  - template:\n"
         "      spec:\n"
         "        containers:\n"
         "        - {name: ray-worker, image: 'rayproject/ray:2.9.0'}\n" +
         fields;
}

// A worker group called a, for `service`; `fields` are its last lines, indented by six.
inline std::string workers_of_service(const std::string& fields) {
  return "    workerGroupSpecs:\n"
         "    - template: {spec: {containers: [{name: w, image: 'rayproject/ray:2.9.0'}]}}\n"
         "      groupName: a\n" +
         fields;
}

inline const std::string k_application = "    applications: [{import_path: 'a:b'}]\n";

// A RayService called fruit. `config` is its Serve configuration, indented by four; `cluster` is
// added to rayClusterConfig, `fields` to its spec, `metadata` to its metadata, `container` to the
// head's Ray container (", key: value").
inline std::string service(const std::string& config = k_application,
                           const std::string& cluster = {}, const std::string& fields = {},
                           const std::string& metadata = {}, const std::string& container = {}) {
  return "apiVersion: ray.io/v1\nkind: RayService\nmetadata:\n  name: fruit\n" + metadata +
         "spec:\n  serveConfigV2: |\n" + config + fields +
         "  rayClusterConfig:\n"
         "    headGroupSpec:\n"
         "      template: {spec: {containers: [{name: head, image: 'rayproject/ray:2.9.0'" +
         container + "}]}}\n" + cluster;
}

inline const RayClusterSpec& spec_of(const ParsedFile& file) {
  return std::get<RayClusterSpec>(file.documents.at(0).declaration.value().spec);
}

}  // namespace ray_gitops::test
