#include "reconcilers/manifest/probes.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// Ray answers /api/healthz on the dashboard agent's port from 2.53 on.
bool has_http_health(const std::string& ray_version) {
  const std::size_t dot = ray_version.find('.');
  if (dot == std::string::npos) return false;
  const auto major = parse_number(std::string_view(ray_version).substr(0, dot));
  const std::string_view rest = std::string_view(ray_version).substr(dot + 1);
  const auto minor = parse_number(rest.substr(0, rest.find('.')));
  return major && minor && (*major > 2 || (*major == 2 && *minor >= 53));
}

int port_of(const ProbeFacts& facts, const char* flag, int otherwise) {
  const auto found = facts.ray_start_params.find(flag);
  if (found == facts.ray_start_params.end()) return otherwise;
  return parse_number(found->second).value_or(otherwise);
}

std::string wget_success(int port, const char* path) {
  return "wget --tries 1 -T 2 -q -O- http://localhost:" + std::to_string(port) + path +
         " | grep success";
}

Json check(const ProbeFacts& facts) {
  const int agent_port = port_of(facts, "dashboard-agent-listen-port", 52365);
  if (has_http_health(facts.ray_version))
    return Json{{"httpGet", {{"path", "/api/healthz"}, {"port", agent_port}}}};
  std::string command = wget_success(agent_port, "/api/local_raylet_healthz");
  if (facts.head)
    command += " && " + wget_success(port_of(facts, "dashboard-port", 8265), "/api/gcs_healthz");
  return Json{{"exec", {{"command", {"bash", "-c", command}}}}};
}

struct Timing {
  int period = 0;
  int failures = 0;
};

Json probe(const ProbeFacts& facts, Timing timing) {
  Json result = check(facts);
  result["timeoutSeconds"] = facts.head ? 5 : 2;
  result["periodSeconds"] = timing.period;
  result["successThreshold"] = 1;
  result["failureThreshold"] = timing.failures;
  return result;
}

}  // namespace

void add_probes(Json& ray_container, const ProbeFacts& facts) {
  const auto add = [&](const char* name, Timing timing) {
    if (!ray_container.contains(name)) ray_container[name] = probe(facts, timing);
  };
  // The startup probe looks every second, so that a node is Ready when it is, and not at the next
  // multiple of ten seconds; it allows as long as KubeRay's liveness probe does (10 minutes). Where
  // the user has replaced our checks by others, ours may not work in the image.
  if (!ray_container.contains("livenessProbe") || !ray_container.contains("readinessProbe"))
    add("startupProbe", {.period = 1, .failures = 600});
  add("livenessProbe", {.period = 5, .failures = 120});
  add("readinessProbe", {.period = 5, .failures = 10});
}

}  // namespace ray_gitops
