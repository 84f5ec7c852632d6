// A folder each: cluster.yaml and what it becomes, as canonical JSON with line ends.

#include "tests/support/golden.h"

#include <filesystem>
#include <map>
#include <string>
#include <variant>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/pod.h"
#include "reconcilers/manifest/serve_service.h"
#include "reconcilers/manifest/service.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// File name -> object.
std::map<std::string, Json> rendered(const Declaration& declaration) {
  const RayClusterSpec& spec = cluster_spec(declaration);
  const OwnerFacts owner{"prod", anchor_key(declaration.key).name, "uid-of-the-anchor"};
  std::map<std::string, Json> objects;
  objects["head"] = head_pod_body(declaration, spec, owner, 1).json();
  objects["service"] = head_service_body(declaration, spec, owner).json();
  for (const GroupSpec& group : spec.workers)
    objects["worker-" + group.name] =
        worker_pod_body(declaration, spec, group, owner,
                        {.pod_name = worker_pod_name(declaration.key.name, group.name, 2),
                         .slot = 2,
                         .incarnation = 3})
            .json();
  return objects;
}

TEST(GoldenManifest, is_what_stands_beside_each_cluster) {
  const auto cases = cases_in("tests/golden/manifest");
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases)
    for (const auto& [name, object] : rendered(declared(read_text(folder / "cluster.yaml"))))
      expect_golden(folder / (name + ".json"), object.dump(2) + "\n");
}

TEST(GoldenManifest, of_a_service_is_what_stands_beside_it) {
  const auto cases = cases_in("tests/golden/serve-service");
  ASSERT_FALSE(cases.empty());
  for (const fs::path& folder : cases) {
    const Declaration declaration = declared(read_text(folder / "service.yaml"));
    const OwnerFacts owner{"prod", anchor_key(declaration.key).name, "uid-of-the-anchor"};
    const auto& spec = std::get<RayServiceSpec>(declaration.spec);
    const Document body = serve_service_body(declaration, spec, "fruit-0a1b2", owner);
    expect_golden(folder / "serve-service.json", body.json().dump(2) + "\n");
  }
}

// Lists of named entries as maps: their order is no deviation, and a path names the entry.
Json by_name(const Json& value) {
  Json result = value;
  for (Json& child : result) {
    if (child.is_structured()) child = by_name(child);
  }
  if (!value.is_array() || value.empty()) return result;
  Json map = Json::object();
  for (std::size_t index = 0; index < value.size(); ++index) {
    if (!value[index].is_object() || !value[index].contains("name")) return result;
    map[value[index]["name"].get<std::string>()] = result[index];
  }
  return map;
}

std::string listed(const std::string& object, const Json& differences) {
  std::string text;
  for (const Json& difference : differences) {
    text += object + " " + difference["op"].get<std::string>() + " " +
            difference["path"].get<std::string>();
    if (difference.contains("value")) text += " " + difference["value"].dump();
    text += "\n";
  }
  return text;
}

// kuberay.json was checked against the running operator, field by field. What we do otherwise is
// listed beside it and must be in docs/deviations.md.
TEST(GoldenManifest, of_the_worked_example_is_kuberays_but_for_what_is_listed) {
  const fs::path folder = "tests/golden/manifest/worked-example";
  const Json kuberay = Json::parse(read_text(folder / "kuberay.json"));
  const auto ours = rendered(declared(read_text(folder / "cluster.yaml")));
  std::string text;
  for (const char* object : {"head", "worker-g1", "service"})
    text += listed(object, Json::diff(by_name(kuberay.at(object)), by_name(ours.at(object))));
  expect_golden(folder / "deviations.txt", text);
}

}  // namespace
}  // namespace ray_gitops::test
