// Ray's utilization score of one node, as its own tests give it (s17 to s19 of them as data).

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/trial.h"
#include "tests/support/golden.h"
#include "tests/unit/autoscaler/case_file.h"

namespace ray_gitops::test {
namespace {

using autoscaler::Node;
using autoscaler::Rank;
using nlohmann::json;

// The case as a scheduler's input with one type, which is the node.
autoscaler::SchedulerInput input_of(const json& from) {
  return parse_case({{"types",
                      {{{"name", "node"},
                        {"resources", from.at("node")},
                        {"labels", from.value("labels", json::object())},
                        {"min", 0},
                        {"max", 1}}}},
                     {"requests", from.at("requests")}});
}

void expect_score(const json& from, autoscaler::Source source) {
  const std::string name = from.at("name");
  const autoscaler::SchedulerInput input = input_of(from);
  autoscaler::Vocabulary vocabulary;
  for (const auto& [request, count] : input.pending) vocabulary.mention(request);
  Node node;
  node.type = 0;
  node.total = vocabulary.amounts(input.types[0].capacity);
  node.available[0] = node.total;
  node.available[1] = node.total;
  node.labels = vocabulary.labels(input.types[0].labels);
  const auto shapes = vocabulary.shapes(input.pending);
  std::vector<std::int64_t> remaining;
  for (const auto& shape : shapes) remaining.push_back(shape.count);
  const autoscaler::Trial trial =
      autoscaler::try_on(node, shapes, remaining, {source, true, &vocabulary, &input.types});
  for (const auto& [shape, count] : trial.taken) remaining[shape] -= count;
  std::int64_t left = 0;
  for (const std::int64_t count : remaining) left += count;
  EXPECT_EQ(left, from.at("left").get<std::int64_t>()) << name;
  const Rank& rank = trial.rank;
  const json score = {rank.label, rank.gpu_ok, rank.resources, rank.lowest, rank.mean};
  if (from.at("score").is_null())
    EXPECT_TRUE(trial.taken.empty()) << name;
  else
    EXPECT_EQ(score, from.at("score")) << name;
}

TEST(Score, is_rays_for_demand_and_for_request_resources) {
  const json cases = json::parse(read_text("tests/golden/autoscaler/scores.json"));
  ASSERT_EQ(cases.size(), 20U);
  for (const json& each : cases) {
    expect_score(each, autoscaler::Source::Demand);
    expect_score(each, autoscaler::Source::Constraint);
  }
}

}  // namespace
}  // namespace ray_gitops::test
