#include "tests/unit/autoscaler/case_file.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "reconcilers/autoscaler/explain.h"

namespace ray_gitops::test {
namespace {

using autoscaler::NodeStage;
using nlohmann::json;

ResourceAmounts parse_amounts(const json& from) {
  ResourceAmounts amounts;
  for (const auto& [name, amount] : from.items()) amounts[name] = to_units(amount.get<double>());
  return amounts;
}

Duration seconds_of(const json& from) {
  return Duration{static_cast<std::int64_t>(from.get<double>() * 1000)};
}

LabelConstraint parse_constraint(const json& from) {
  LabelConstraint constraint;
  constraint.key = from.at("key");
  constraint.op = from.contains("in") ? LabelOperator::In : LabelOperator::NotIn;
  constraint.values = from.at(from.contains("in") ? "in" : "not_in").get<std::set<std::string>>();
  return constraint;
}

LabelPair parse_pair(const json& from) { return {from.at(0), from.at(1)}; }

ResourceRequest parse_request(const json& from) {
  ResourceRequest request;
  request.bundle = parse_amounts(from.at("bundle"));
  if (from.contains("anti_affinity"))
    request.placement = {{parse_pair(from.at("anti_affinity")), std::nullopt}};
  if (from.contains("affinity"))
    request.placement = {{std::nullopt, parse_pair(from.at("affinity"))}};
  for (const json& selector : from.value("selectors", json::array())) {
    LabelSelector& constraints = request.selectors.emplace_back();
    for (const json& constraint : selector) constraints.push_back(parse_constraint(constraint));
  }
  return request;
}

DemandCounts parse_requests(const json& from) {
  DemandCounts counts;
  for (const json& each : from) counts[parse_request(each)] += each.value("count", 1);
  return counts;
}

GangRequest parse_gang(const json& from) {
  GangRequest gang;
  gang.details = from.value("details", "");
  for (const json& each : from.at("requests")) gang.requests.push_back(parse_request(each));
  if (from.value("bundle_selectors", false)) gang.bundle_selectors = {gang.requests};
  return gang;
}

autoscaler::NodeType parse_type(const json& from) {
  autoscaler::NodeType type;
  type.name = from.at("name");
  type.capacity = parse_amounts(from.at("resources"));
  type.labels = from.value("labels", std::map<std::string, std::string>{});
  type.nodes_min = from.at("min");
  type.nodes_max = from.at("max");
  if (from.contains("idle_s")) type.idle_timeout = seconds_of(from.at("idle_s"));
  type.priority = from.value("priority", 0);
  type.availability = from.value("availability", 1.0);
  type.recoverable_availability = from.value("recoverable", 1.0);
  return type;
}

autoscaler::SchedulerNode parse_node(const json& from) {
  autoscaler::SchedulerNode node;
  node.id = from.at("id");
  node.type = from.at("type");
  node.head = from.value("head", false);
  node.unit = from.value("unit", "");
  if (from.at("status") != "RAY_RUNNING") return node;
  node.stage = NodeStage::Running;
  node.total = parse_amounts(from.at("total"));
  node.available = parse_amounts(from.at("available"));
  node.labels = from.value("labels", std::map<std::string, std::string>{});
  const json dynamic = from.value("dynamic_labels", json::object());
  for (const auto& [key, value] : dynamic.items()) node.labels[key] = value;
  node.idle = Duration{from.value("idle_ms", 0)};
  return node;
}

bool can_run_ray(const std::string& status) {
  static const std::set<std::string> k_statuses = {
      "QUEUED", "REQUESTED", "ALLOCATED", "RAY_INSTALLING", "RAY_RUNNING", "RAY_STOP_REQUESTED"};
  return k_statuses.contains(status);
}

}  // namespace

autoscaler::SchedulerInput parse_case(const json& from) {
  autoscaler::SchedulerInput input;
  for (const json& type : from.at("types")) input.types.push_back(parse_type(type));
  for (const json& node : from.value("nodes", json::array()))
    if (can_run_ray(node.at("status"))) input.nodes.push_back(parse_node(node));
  input.pending = parse_requests(from.value("requests", json::array()));
  for (const json& gang : from.value("gangs", json::array()))
    input.gangs.push_back(parse_gang(gang));
  if (from.contains("constraint")) input.constraints = {parse_requests(from.at("constraint"))};
  if (from.contains("max_nodes")) input.nodes_max = from.at("max_nodes").get<std::int64_t>();
  if (from.contains("idle_s")) input.idle_timeout = seconds_of(from.at("idle_s"));
  input.conserve_gpu_nodes = from.value("conserve_gpu", true);
  return input;
}

std::string render_decision(const autoscaler::SchedulerDecision& decision) {
  std::string text;
  for (const auto& [type, launch] : decision.launches)
    text += "launch " + std::to_string(launch.count) + " " + type + ": " + launch.reason + "\n";
  for (const auto& each : decision.terminations)
    text += "terminate " + each.node + " " + name_of(each.cause) + ": " + each.reason + "\n";
  const auto unplaced = [&](const std::string& what, const autoscaler::Unplaced& why) {
    text += "no place for " + what + (why.never ? ", ever: " : ": ") + why.reason + "\n";
  };
  for (const auto& each : decision.requests)
    unplaced(std::to_string(each.count) + " " + autoscaler::render_shape(each.request), each);
  for (const auto& each : decision.gangs) unplaced("gang " + each.gang.details, each);
  for (const auto& each : decision.constraints) unplaced("request_resources()", each);
  for (const auto& each : decision.kept) text += "keep " + each.node + ": " + each.reason + "\n";
  return text.empty() ? "nothing\n" : text;
}

json decision_json(const autoscaler::SchedulerDecision& decision) {
  json launch = json::object();
  for (const auto& [type, each] : decision.launches) launch[type] = each.count;
  json terminate = json::object();
  for (const auto& each : decision.terminations) terminate[each.node] = name_of(each.cause);
  json infeasible = json::object();
  for (const auto& each : decision.requests) {
    json& count = infeasible[render_amounts(each.request.bundle)];
    count = count.is_null() ? each.count : count.get<std::int64_t>() + each.count;
  }
  std::set<std::string> gangs;
  for (const auto& each : decision.gangs) gangs.insert(each.gang.details);
  return {{"launch", launch},
          {"terminate", terminate},
          {"infeasible", infeasible},
          {"gangs", gangs},
          {"constraint", !decision.constraints.empty()}};
}

}  // namespace ray_gitops::test
