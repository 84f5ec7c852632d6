#include "agent/local_cluster/kubelet/probe.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;
using Kinds = std::vector<ProbeKind>;

Instant at(std::int64_t seconds) { return {seconds * 1000}; }

ProbeSpecs specs_of(const char* container) { return parse_probes(json::parse(container)).value(); }

TEST(Probe, reads_what_kuberay_writes_with_kubernetes_defaults) {
  const auto specs = specs_of(R"({"readinessProbe": {
      "httpGet": {"path": "/api/healthz", "port": 52365}, "initialDelaySeconds": 10,
      "timeoutSeconds": 5, "periodSeconds": 5, "failureThreshold": 10},
      "livenessProbe": {"exec": {"command": ["true"]}}})");
  const ProbeSpec& readiness = specs.at(ProbeKind::Readiness);
  EXPECT_EQ(readiness.action, ProbeAction::HttpGet);
  EXPECT_EQ(readiness.port, 52365);
  EXPECT_EQ(readiness.path, "/api/healthz");
  EXPECT_EQ(readiness.initial_delay, std::chrono::seconds(10));
  EXPECT_EQ(readiness.failure_threshold, 10);
  const ProbeSpec& liveness = specs.at(ProbeKind::Liveness);
  EXPECT_EQ(liveness.period, std::chrono::seconds(10));
  EXPECT_EQ(liveness.timeout, std::chrono::seconds(1));
  EXPECT_EQ(liveness.success_threshold, 1);
  EXPECT_EQ(liveness.failure_threshold, 3);
}

TEST(Probe, finds_ports_by_name) {
  const auto specs = specs_of(R"({"ports": [{"name": "web", "containerPort": 81}],
      "startupProbe": {"tcpSocket": {"port": "web"}},
      "livenessProbe": {"tcpSocket": {"port": "82"}}})");
  EXPECT_EQ(specs.at(ProbeKind::Startup).port, 81);
  EXPECT_EQ(specs.at(ProbeKind::Liveness).port, 82);
}

TEST(Probe, refuses_what_it_cannot_do) {
  for (const char* container :
       {R"({"livenessProbe": {"grpc": {"port": 1}}})", R"({"livenessProbe": {}})",
        R"({"livenessProbe": {"exec": {"command": []}}})",
        R"({"livenessProbe": {"tcpSocket": {"port": "nowhere"}}})",
        R"({"livenessProbe": {"tcpSocket": {"port": 70000}}})",
        R"({"livenessProbe": {"httpGet": {"port": 1, "scheme": "HTTPS"}}})"}) {
    EXPECT_FALSE(parse_probes(json::parse(container))) << container;
  }
}

TEST(Probe, container_without_probes_is_ready_at_once) {
  ContainerProbes probes({}, at(0));
  EXPECT_TRUE(probes.is_started());
  EXPECT_TRUE(probes.is_ready());
  EXPECT_EQ(probes.next_due(), std::nullopt);
}

TEST(Probe, readiness_waits_its_initial_delay_and_needs_its_thresholds) {
  ContainerProbes probes(specs_of(R"({"readinessProbe": {"exec": {"command": ["x"]},
      "initialDelaySeconds": 3, "periodSeconds": 5, "successThreshold": 2,
      "failureThreshold": 2}})"),
                         at(100));
  EXPECT_EQ(probes.take_due(at(102)), Kinds{});
  EXPECT_EQ(probes.next_due(), at(103));
  EXPECT_EQ(probes.take_due(at(103)), Kinds{ProbeKind::Readiness});
  EXPECT_EQ(probes.take_due(at(110)), Kinds{}) << "one at a time";
  probes.record(ProbeKind::Readiness, true, "", at(104));
  EXPECT_FALSE(probes.is_ready());
  EXPECT_EQ(probes.next_due(), at(109));
  probes.record(ProbeKind::Readiness, true, "", at(109));
  EXPECT_TRUE(probes.is_ready());
  probes.record(ProbeKind::Readiness, false, "HTTP status 503", at(114));
  EXPECT_TRUE(probes.is_ready());
  EXPECT_EQ(probes.last_failure(), "readiness probe failed: HTTP status 503");
  probes.record(ProbeKind::Readiness, false, "HTTP status 503", at(119));
  EXPECT_FALSE(probes.is_ready());
  EXPECT_EQ(probes.take_restart(), std::nullopt);
}

TEST(Probe, others_wait_for_startup_and_then_begin_at_once) {
  ContainerProbes probes(specs_of(R"({"startupProbe": {"exec": {"command": ["x"]},
      "periodSeconds": 1}, "readinessProbe": {"exec": {"command": ["y"]}},
      "livenessProbe": {"exec": {"command": ["z"]}, "initialDelaySeconds": 30}})"),
                         at(0));
  EXPECT_EQ(probes.take_due(at(0)), Kinds{ProbeKind::Startup});
  probes.record(ProbeKind::Startup, false, "no", at(0));
  EXPECT_FALSE(probes.is_started());
  EXPECT_EQ(probes.take_due(at(1)), Kinds{ProbeKind::Startup});
  probes.record(ProbeKind::Startup, true, "", at(2));
  EXPECT_TRUE(probes.is_started());
  EXPECT_FALSE(probes.is_ready());
  EXPECT_EQ(probes.take_due(at(2)), Kinds{ProbeKind::Readiness});
  probes.record(ProbeKind::Readiness, true, "", at(2));
  EXPECT_TRUE(probes.is_ready());
  EXPECT_EQ(probes.take_due(at(30)), (Kinds{ProbeKind::Readiness, ProbeKind::Liveness}));
}

TEST(Probe, liveness_that_gives_up_restarts_the_container_once) {
  ContainerProbes probes(
      specs_of(R"({"livenessProbe": {"exec": {"command": ["x"]}, "failureThreshold": 2}})"), at(0));
  probes.record(ProbeKind::Liveness, false, "hangs", at(1));
  EXPECT_EQ(probes.take_restart(), std::nullopt);
  probes.record(ProbeKind::Liveness, false, "hangs", at(2));
  EXPECT_EQ(probes.take_restart(), "liveness probe failed: hangs");
  EXPECT_EQ(probes.take_restart(), std::nullopt);
  EXPECT_EQ(probes.take_due(at(1000)), Kinds{});
}

TEST(Probe, ready_container_stays_ready_when_another_kubelet_takes_over) {
  const char* container = R"({"startupProbe": {"exec": {"command": ["x"]}},
      "readinessProbe": {"exec": {"command": ["y"]}, "failureThreshold": 1}})";
  ContainerProbes probes(specs_of(container), at(0), true);
  EXPECT_TRUE(probes.is_ready());
  EXPECT_EQ(probes.take_due(at(0)), Kinds{ProbeKind::Readiness});
  probes.record(ProbeKind::Readiness, false, "gone", at(1));
  EXPECT_FALSE(probes.is_ready());
}

}  // namespace
}  // namespace ray_gitops::local_cluster
