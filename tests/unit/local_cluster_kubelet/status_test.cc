#include "agent/local_cluster/kubelet/status.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

struct StatusTest : testing::Test {
  json compute(std::int64_t now = 1'000'000) {
    return compute_pod_status({.pod = pod,
                               .waits_for = waits_for,
                               .problem = problem,
                               .state = state,
                               .end = end,
                               .readiness = readiness,
                               .address = address,
                               .host_address = "10.88.0.1",
                               .now = {now}});
  }
  static std::string condition(const json& status, const char* type) {
    for (const json& each : status["conditions"]) {
      if (each["type"] == type) {
        return each["status"].get<std::string>() + " " + each.value("reason", "") + " " +
               each.value("message", "");
      }
    }
    return "";
  }
  static ContainerState running(const char* name) {
    return {name, false, ContainerPhase::Running, "", "", {0}, 0, {}};
  }
  static ContainerState ended(const char* name, int code, bool is_init = false) {
    return {name,
            is_init,
            ContainerPhase::Terminated,
            "",
            "",
            {0},
            0,
            Termination{code, 0, code == 0 ? "Completed" : "Error", "", {0}, {1000}}};
  }
  void set_state(std::vector<ContainerState> containers, bool finished = false) {
    state = PodState{};
    state->containers = std::move(containers);
    state->finished = finished;
  }

  json pod = json::parse(R"({"metadata": {"name": "p"}, "spec": {
      "containers": [{"name": "main", "image": "i"}]}})");
  std::string waits_for;
  std::optional<PlanProblem> problem;
  std::optional<PodState> state;
  std::optional<PodEnd> end;
  std::map<std::string, ContainerReadiness> readiness;
  std::string address = "10.88.0.2";
};

TEST_F(StatusTest, pod_that_waits_for_a_core_is_not_scheduled) {
  waits_for = "waits for a core";
  const json status = compute();
  EXPECT_EQ(status["phase"], "Pending");
  EXPECT_EQ(condition(status, "PodScheduled"), "False WaitingForCore waits for a core");
  EXPECT_FALSE(status.contains("startTime"));
  EXPECT_FALSE(status.contains("podIP"));
}

TEST_F(StatusTest, tells_why_a_container_cannot_be_created) {
  problem = PlanProblem{"ImageNotAvailable", "no such image"};
  const json status = compute();
  EXPECT_EQ(status["phase"], "Pending");
  EXPECT_EQ(status["containerStatuses"][0]["state"],
            json::parse(R"({"waiting": {"reason": "ImageNotAvailable",
                                        "message": "no such image"}})"));
}

TEST_F(StatusTest, running_pod_is_ready_when_its_containers_are) {
  set_state({running("main")});
  readiness["main"] = {true, false, "readiness probe failed: HTTP status 503"};
  json status = compute();
  EXPECT_EQ(status["phase"], "Running");
  EXPECT_EQ(status["podIP"], "10.88.0.2");
  EXPECT_EQ(condition(status, "Ready"),
            "False ContainersNotReady containers with unready status: [main]; main: readiness "
            "probe failed: HTTP status 503");
  readiness["main"] = {true, true, ""};
  status = compute();
  EXPECT_EQ(condition(status, "Ready"), "True  ");
  EXPECT_EQ(condition(status, "ContainersReady"), "True  ");
  EXPECT_EQ(status["containerStatuses"][0]["ready"], true);
  EXPECT_EQ(status["containerStatuses"][0]["started"], true);
}

TEST_F(StatusTest, equal_facts_give_an_equal_status_at_any_time) {
  set_state({running("main")});
  readiness["main"] = {};
  pod["status"] = compute(1'000'000);
  EXPECT_EQ(compute(9'000'000), pod["status"]);
  readiness["main"].ready = false;
  const json later = compute(9'000'000);
  EXPECT_EQ(later["conditions"][0], pod["status"]["conditions"][0]);
  EXPECT_EQ(later["conditions"][3]["lastTransitionTime"], "1970-01-01T02:30:00Z");
}

TEST_F(StatusTest, initialized_only_after_every_init_container) {
  pod["spec"]["initContainers"] = json::parse(R"([{"name": "wait", "image": "i"}])");
  ContainerState main{"main", false, ContainerPhase::Waiting, "PodInitializing", "", {0}, 0, {}};
  ContainerState wait = running("wait");
  wait.is_init = true;
  set_state({wait, main});
  json status = compute();
  EXPECT_EQ(status["phase"], "Pending");
  EXPECT_EQ(condition(status, "Initialized"), "False ContainersNotInitialized ");
  EXPECT_EQ(status["containerStatuses"][0]["state"]["waiting"]["reason"], "PodInitializing");
  set_state({ended("wait", 0, true), running("main")});
  status = compute();
  EXPECT_EQ(status["phase"], "Running");
  EXPECT_EQ(condition(status, "Initialized"), "True  ");
  EXPECT_EQ(status["initContainerStatuses"][0]["ready"], true);
}

TEST_F(StatusTest, crash_looping_container_waits_and_shows_its_last_end) {
  ContainerState main = ended("main", 3);
  main.phase = ContainerPhase::Waiting;
  main.reason = "CrashLoopBackOff";
  main.restart_count = 2;
  set_state({main});
  const json status = compute();
  EXPECT_EQ(status["phase"], "Running");
  EXPECT_EQ(status["containerStatuses"][0]["state"]["waiting"]["reason"], "CrashLoopBackOff");
  EXPECT_EQ(status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 3);
  EXPECT_EQ(status["containerStatuses"][0]["restartCount"], 2);
}

TEST_F(StatusTest, finished_pod_succeeded_only_if_every_container_did) {
  set_state({ended("main", 0)}, true);
  EXPECT_EQ(compute()["phase"], "Succeeded");
  EXPECT_EQ(condition(compute(), "Ready"), "False PodCompleted ");
  set_state({ended("main", 1)}, true);
  EXPECT_EQ(compute()["phase"], "Failed");
  EXPECT_EQ(compute()["containerStatuses"][0]["state"]["terminated"]["reason"], "Error");
}

TEST_F(StatusTest, lost_pod_has_failed_and_says_so) {
  set_state({running("main")});
  readiness["main"] = {};
  end = PodEnd{"Lost", "its supervisor was killed"};
  const json status = compute();
  EXPECT_EQ(status["phase"], "Failed");
  EXPECT_EQ(status["reason"], "Lost");
  EXPECT_EQ(status["containerStatuses"][0]["state"]["terminated"]["reason"],
            "ContainerStatusUnknown");
  EXPECT_EQ(status["containerStatuses"][0]["ready"], false);
}

}  // namespace
}  // namespace ray_gitops::local_cluster
