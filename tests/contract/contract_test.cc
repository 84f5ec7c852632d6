// Runs tests/contract/cases/*.json, each in a namespace of its own. A case is a list of steps:
//   request   {method, path, type, accept, body, token (another one than the right one)};
//             ${ns} and saved values are replaced
//   http      the status code expected
//   answer    a part of the body: members named must be there, lists must be as long
//   absent    JSON pointers that must lead nowhere
//   events    of a watch: [{type, object}], all that came but bookmarks; parts, like answer
//   save      {name: JSON pointer}: for later steps
//   differs   {name: JSON pointer}: must not be what was saved
//   until     true: repeated until it holds, for 10 s (what controllers do takes time)
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/contract/server_under_test.h"

namespace ray_gitops::contract {
namespace {

using nlohmann::json;

constexpr const char* k_cases = "tests/contract/cases";

// Real controllers look for the node of a pod; nothing is scheduled to this one.
void make_node(const Target& target) {
  const json node{{"metadata", {{"name", "node-of-the-contract"}}},
                  {"spec", {{"unschedulable", true}}}};
  send_request(target, {.method = "POST",
                        .path = "/api/v1/nodes",
                        .content_type = "application/json",
                        .accept = {},
                        .body = node.dump(),
                        .token = target.token});
}

ServerUnderTest& server() {
  static ServerUnderTest k_server;
  return k_server;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(k_cases))
    names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  return names;
}

// Empty, or where `actual` is not what `expected` asks for.
std::string find_difference(const json& expected, const json& actual, const std::string& at) {
  if (expected.is_object() && actual.is_object()) {
    for (const auto& [name, value] : expected.items()) {
      if (!actual.contains(name)) return at + "/" + name + " is missing";
      if (std::string found = find_difference(value, actual[name], at + "/" + name); !found.empty())
        return found;
    }
    return {};
  }
  if (expected.is_array() && actual.is_array() && expected.size() == actual.size()) {
    for (std::size_t index = 0; index < expected.size(); ++index)
      if (std::string found =
              find_difference(expected[index], actual[index], at + "/" + std::to_string(index));
          !found.empty())
        return found;
    return {};
  }
  if (expected == actual) return {};
  return at + " is " + actual.dump() + ", not " + expected.dump();
}

json events_of(const std::string& body) {
  json events = json::array();
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    json event = json::parse(line, nullptr, false);
    if (event.is_object() && event["type"] != "BOOKMARK") events.push_back(std::move(event));
  }
  return events;
}

class Case {
 public:
  Case(const Target& target, const std::string& ns) : target_(target) { saved_["ns"] = ns; }

  // Empty, or what is wrong.
  std::string run(const json& step) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (true) {
      std::string problem = try_once(step);
      const bool again = step.value("until", false) && std::chrono::steady_clock::now() < deadline;
      if (problem.empty() || !again) return problem;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

 private:
  std::string fill_in(std::string text) const {
    for (const auto& [name, value] : saved_) {
      const std::string place = "${" + name + "}";
      for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place))
        text.replace(at, place.size(), value);
    }
    return text;
  }

  Answer send(const json& request) const {
    return send_request(target_,
                        {.method = request.value("method", "GET"),
                         .path = fill_in(request.at("path")),
                         .content_type = request.value("type", "application/json"),
                         .accept = request.value("accept", ""),
                         .body = request.contains("body") ? fill_in(request["body"].dump()) : "",
                         .token = request.value("token", target_.token)});
  }

  std::string try_once(const json& step) {
    const Answer answer = send(step.at("request"));
    if (answer.http != step.at("http").get<int>())
      return "HTTP " + std::to_string(answer.http) + ": " + answer.body;
    if (step.contains("events"))
      return find_difference(filled(step["events"]), events_of(answer.body), "events");
    const json body = json::parse(answer.body, nullptr, false);
    if (step.contains("answer"))
      if (std::string found = find_difference(filled(step["answer"]), body, ""); !found.empty())
        return found;
    return check_values(step, body);
  }

  json filled(const json& expected) const { return json::parse(fill_in(expected.dump())); }

  std::string check_values(const json& step, const json& body) {
    for (const json& pointer : step.value("absent", json::array()))
      if (body.contains(json::json_pointer(pointer.get<std::string>())))
        return pointer.get<std::string>() + " should not be there";
    const json differs = step.value("differs", json::object());
    for (const auto& [name, pointer] : differs.items())
      if (body.at(json::json_pointer(pointer.get<std::string>())) == saved_.at(name))
        return pointer.get<std::string>() + " did not change";
    const json saves = step.value("save", json::object());
    for (const auto& [name, pointer] : saves.items())
      saved_[name] = body.at(json::json_pointer(pointer.get<std::string>())).get<std::string>();
    return {};
  }

  const Target& target_;
  std::map<std::string, std::string> saved_;
};

class Contract : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    if (!server().is_local()) make_node(server().target());
  }
};

TEST_P(Contract, holds) {
  std::ifstream file(std::string(k_cases) + "/" + GetParam() + ".json");
  const json steps = json::parse(file, nullptr, false);
  ASSERT_TRUE(steps.is_array());
  std::string ns = "contract-" + GetParam();
  std::ranges::replace(ns, '_', '-');
  const Target& target = server().target();
  const std::string body = json{{"metadata", {{"name", ns}}}}.dump();
  ASSERT_EQ(send_request(target, {.method = "POST",
                                  .path = "/api/v1/namespaces",
                                  .content_type = "application/json",
                                  .accept = {},
                                  .body = body,
                                  .token = target.token})
                .http,
            201);
  Case running(target, ns);
  std::size_t number = 0;
  for (const json& step : steps) {
    ++number;
    ASSERT_EQ(running.run(step), "") << "step " << number << ": " << step["request"].dump();
  }
  send_request(target, {.method = "DELETE",
                        .path = "/api/v1/namespaces/" + ns,
                        .content_type = "application/json",
                        .accept = {},
                        .body = {},
                        .token = target.token});
}

INSTANTIATE_TEST_SUITE_P(Cases, Contract, testing::ValuesIn(case_names()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace ray_gitops::contract
