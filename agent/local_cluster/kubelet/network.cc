#include "agent/local_cluster/kubelet/network.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>

#include <arpa/inet.h>
#include <net/if.h>

#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/store/service_network.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::local_cluster {
namespace {

using if_nameindex_t = struct if_nameindex;

bool exists(const std::string& interface) { return if_nametoindex(interface.c_str()) != 0; }

Result<void> run_batch(const std::string& commands) {
  TRY(run_program({"ip", "-batch", "-"}, commands));
  return {};
}

std::string interface_prefix(const std::string& bridge) {
  return "rgv" + short_hash(bridge, 4) + "-";
}

// Three rules in the order of their numbers; the numbers follow from the subnet.
std::array<std::string, 3> routing_rules(const BridgeOptions& options) {
  const auto number = std::stoul("0x" + short_hash(options.subnet, 3), nullptr, 16);
  const std::string first = std::to_string(10'000 + number * 4);
  const std::string second = std::to_string(10'001 + number * 4);
  const std::string third = std::to_string(10'002 + number * 4);
  return {"pref " + first + " to " + options.subnet + " iif lo lookup main",
          "pref " + second + " to " + options.subnet + " unreachable",
          "pref " + third + " iif " + options.name + " unreachable"};
}

// `rule del` fails when there is none: errors are not wanted here.
void remove_rules(const BridgeOptions& options) {
  for (const std::string& rule : routing_rules(options)) {
    std::vector<std::string> command = {"ip", "rule", "del", "pref"};
    command.push_back(rule.substr(5, rule.find(' ', 5) - 5));
    static_cast<void>(run_program(command));
  }
}

Result<void> check_unused(const std::string& subnet, const std::string& whose) {
  const auto route = run_program({"ip", "route", "show", "root", subnet});
  if (!route || route->empty()) return {};
  return fail(ErrorCode::Conflict, whose + " in use on this host: " + *route, subnet);
}

// Fails when there is none: errors are not wanted here.
void remove_service_route(const BridgeOptions& options) {
  static_cast<void>(
      run_program({"ip", "route", "del", "local", k_service_subnet, "dev", options.name}));
}

}  // namespace

Result<void> ensure_bridge(const BridgeOptions& options) {
  if (!exists(options.name)) {
    TRY(check_unused(options.subnet, "the pod subnet is"));
    TRY(check_unused(k_service_subnet, "the addresses of Services are"));
    TRY(run_batch("link add " + options.name + " type bridge\n"));
  }
  remove_rules(options);
  remove_service_route(options);
  std::string commands;
  for (const std::string& rule : routing_rules(options)) commands += "rule add " + rule + "\n";
  commands += "addr replace " + options.gateway + "/" + std::to_string(options.prefix_length) +
              " dev " + options.name + "\nlink set " + options.name + " up\n";
  // On the bridge, so that it goes with it; appended, as other local clusters' bridges have one.
  commands += std::string("route append local ") + k_service_subnet + " dev " + options.name + "\n";
  return run_batch(commands);
}

Result<void> remove_bridge(const BridgeOptions& options) {
  for (const std::string& interface : read_pod_interfaces(options.name)) {
    static_cast<void>(run_program({"ip", "link", "del", interface}));
  }
  remove_rules(options);
  if (!exists(options.name)) return {};
  return run_batch("link del " + options.name + "\n");
}

std::string pod_interface(const NetworkPlan& network) {
  in_addr address{};
  inet_pton(AF_INET, network.address.c_str(), &address);
  std::array<char, 8> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%04x", ntohl(address.s_addr) & 0xFFFFU);
  return interface_prefix(network.bridge) + suffix.data();
}

std::vector<std::string> read_pod_interfaces(const std::string& bridge) {
  std::vector<std::string> result;
  const std::string prefix = interface_prefix(bridge);
  const std::unique_ptr<if_nameindex_t, decltype(&if_freenameindex)> all(if_nameindex(),
                                                                         if_freenameindex);
  for (const if_nameindex_t* each = all.get(); each != nullptr && each->if_index != 0; ++each) {
    if (std::string_view(each->if_name).starts_with(prefix)) result.emplace_back(each->if_name);
  }
  return result;
}

Result<void> attach_pod(const NetworkPlan& network, pid_t pid) {
  const std::string interface = pod_interface(network);
  std::string commands;
  if (exists(interface)) commands = "link del " + interface + "\n";
  commands += "link add " + interface + " type veth peer name eth0 netns " + std::to_string(pid) +
              "\nlink set " + interface + " master " + network.bridge + " up\n";
  return run_batch(commands);
}

Result<void> configure_pod(const NetworkPlan& network) {
  return run_batch("link set lo up\naddr add " + network.address + "/" +
                   std::to_string(network.prefix_length) + " dev eth0\nlink set eth0 up\n" +
                   "route add default via " + network.gateway + "\n");
}

void detach_pod(const NetworkPlan& network) {
  const std::string interface = pod_interface(network);
  if (exists(interface)) static_cast<void>(run_program({"ip", "link", "del", interface}));
}

}  // namespace ray_gitops::local_cluster
