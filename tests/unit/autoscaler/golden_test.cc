// A file for each of Ray's own scheduler scenarios: cases, what they must decide, and beside it the
// whole decision with its reasons.

#include "tests/support/golden.h"

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/autoscaler/case_file.h"

namespace ray_gitops::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<fs::path> scenario_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator("tests/golden/autoscaler/scheduler"))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// The members of a decision that the case names.
void expect_decided(const json& decided, const json& expect, const std::string& what) {
  EXPECT_EQ(decided.at("launch"), expect.at("launch")) << what;
  EXPECT_EQ(decided.at("terminate"), expect.value("terminate", json::object())) << what;
  EXPECT_EQ(decided.at("gangs"), expect.value("gangs", json::array())) << what;
  EXPECT_EQ(decided.at("constraint"), expect.value("constraint", false)) << what;
  std::int64_t left = 0;
  for (const json& count : decided.at("infeasible")) left += count.get<std::int64_t>();
  EXPECT_EQ(left, expect.value("infeasible", 0)) << what;
}

TEST(SchedulerScenario, is_decided_as_ray_decides_it) {
  const auto files = scenario_files();
  ASSERT_GE(files.size(), 36U);
  for (const fs::path& file : files) {
    std::string text;
    for (const json& each : json::parse(read_text(file))) {
      const std::string name = each.at("name");
      const auto decision = autoscaler::schedule(parse_case(each));
      expect_decided(decision_json(decision), each.at("expect"), file.string() + ": " + name);
      text += name + "\n" + render_decision(decision) + "\n";
    }
    expect_golden(fs::path(file).replace_extension(".txt"), text);
  }
}

}  // namespace
}  // namespace ray_gitops::test
