// How long the scheduler's decisions take, and what they are. Built when it is asked for:
// `scripts/build release autoscaler-planner`.
//
//   autoscaler-planner                 times of decisions, a line of JSON for each size
//   autoscaler-planner decide < CASES  decisions for a JSON list of cases, as a JSON list

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "reconcilers/autoscaler/scheduler.h"
#include "tests/unit/autoscaler/case_file.h"

namespace {

using nlohmann::json;
using namespace ray_gitops;  // NOLINT(google-build-using-namespace): a program of its own

struct Size {
  const char* name;
  int requests;
  int shapes;
  int groups;
  int nodes;
  double target_ms;  // 0: none
  bool ray;          // Ray's scheduler takes less than some minutes
};

constexpr Size k_sizes[] = {
    {"1000 equal requests, 20 groups", 1'000, 1, 20, 0, 2, true},
    {"4000 equal requests, 20 groups", 4'000, 1, 20, 0, 10, true},
    {"500 requests of 20 shapes, 20 groups, 100 nodes", 500, 20, 20, 100, 0, true},
    {"10000 requests of 20 shapes, 20 groups, 2000 nodes", 10'000, 20, 20, 2'000, 100, false},
    {"10000 requests of 500 shapes, 20 groups, 2000 nodes", 10'000, 500, 20, 2'000, 0, false},
};
constexpr int k_runs = 9;

// The same text is given to Ray's scheduler by autoscaler_ray.py.
json make_case(const Size& size) {
  json types = json::array();
  for (int index = 0; index < size.groups; ++index)
    types.push_back({{"name", "group-" + std::to_string(index)},
                     {"resources", {{"CPU", 1 + index % 4}, {"memory", 4'294'967'296}}},
                     {"min", 0},
                     {"max", 10'000}});
  json nodes = json::array();
  for (int index = 0; index < size.nodes; ++index) {
    const int cpus = 1 + index % 20 % 4;
    nodes.push_back(
        {{"id", "pod-" + std::to_string(index)},
         {"type", "group-" + std::to_string(index % 20)},
         {"status", "RAY_RUNNING"},
         {"total",
          {{"CPU", cpus}, {"memory", 4'294'967'296}, {"node:10.0.0." + std::to_string(index), 1}}},
         {"available",
          {{"CPU", index * 7 % (cpus * 2 + 1) * 0.5},
           {"memory", 4'294'967'296},
           {"node:10.0.0." + std::to_string(index), 1}}},
         {"labels", {{"ray.io/node-id", "id-" + std::to_string(index)}}}});
  }
  json requests = json::array();
  for (int index = 0; index < size.shapes; ++index)
    requests.push_back({{"bundle", {{"CPU", size.shapes == 1 ? 1.0 : 0.1 * (1 + index % 20)}}},
                        {"count", size.requests / size.shapes}});
  for (int index = 20; index < size.shapes; ++index)
    requests[static_cast<std::size_t>(index)]["bundle"]["memory"] = 1'000'000 * index;
  return {{"types", types}, {"nodes", nodes}, {"requests", requests}, {"idle_s", 60}};
}

double milliseconds_of(const autoscaler::SchedulerInput& input) {
  const auto begin = std::chrono::steady_clock::now();
  const auto decision = autoscaler::schedule(input);
  const auto end = std::chrono::steady_clock::now();
  if (decision.launches.empty()) std::exit(1);
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

void measure(const Size& size) {
  const autoscaler::SchedulerInput input = test::parse_case(make_case(size));
  std::vector<double> times;
  for (int run = 0; run < k_runs; ++run) times.push_back(milliseconds_of(input));
  std::sort(times.begin(), times.end());
  const json line = {{"size", size.name},
                     {"median_ms", times[k_runs / 2]},
                     {"max_ms", times.back()},
                     {"target_ms", size.target_ms},
                     {"ray", size.ray}};
  std::printf("%s\n", line.dump().c_str());
}

int decide() {
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  json decisions = json::array();
  for (const json& each : json::parse(text))
    decisions.push_back(test::decision_json(autoscaler::schedule(test::parse_case(each))));
  std::printf("%s\n", decisions.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "decide") == 0) return decide();
  if (argc == 2 && std::strcmp(argv[1], "cases") == 0) {
    json cases = json::array();
    for (const Size& size : k_sizes) cases.push_back(make_case(size));
    std::printf("%s\n", cases.dump().c_str());
    return 0;
  }
  for (const Size& size : k_sizes) measure(size);
  return 0;
}
