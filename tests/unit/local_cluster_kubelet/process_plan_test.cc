#include "agent/local_cluster/kubelet/process_plan.h"

#include <gtest/gtest.h>

#include "agent/local_cluster/kubelet/supervisor_state.h"

namespace ray_gitops::local_cluster {
namespace {

PodProcessPlan full_plan() {
  PodProcessPlan plan;
  plan.ns = "n";
  plan.name = "p";
  plan.uid = "u";
  plan.hostname = "h";
  plan.restart_policy = RestartPolicy::OnFailure;
  plan.grace_seconds = 7;
  plan.volume_group = 2000;
  plan.hidden = {"/state"};
  plan.network = {"br", "10.88.0.2", "10.88.0.1", 24};
  plan.volumes = {{"m", VolumeKind::Memory, 1024, {}},
                  {"f", VolumeKind::Files, 0, {{"a/b", std::string("\0\xff\n", 3), 0400}}}};
  ContainerPlan container;
  container.name = "main";
  container.command = {"sh", "-c", "x"};
  container.environment = {{"A", "1"}, {"B", ""}};
  container.working_directory = "/w";
  container.mounts = {{"m", "/dev/shm", "s", true}};
  container.ray_environment = "/env";
  container.pre_stop = {"true"};
  container.user = 1000;
  container.group = 1001;
  plan.containers = {container};
  container.name = "before";
  plan.init_containers = {container};
  return plan;
}

TEST(ProcessPlan, is_read_as_it_was_written) {
  const std::string rendered = render_process_plan(full_plan());
  const auto read = parse_process_plan(rendered);
  ASSERT_TRUE(read);
  EXPECT_EQ(render_process_plan(*read), rendered);
  EXPECT_EQ(read->volumes[1].files[0].content, std::string("\0\xff\n", 3));
  EXPECT_EQ(read->containers[0].environment, full_plan().containers[0].environment);
}

TEST(ProcessPlan, refuses_what_is_none) {
  for (const char* text : {"", "{}", "[]", R"({"uid": "u"})",
                           R"({"uid": "u", "containers": [{"name": "a", "command": []}]})"}) {
    EXPECT_FALSE(parse_process_plan(text)) << text;
  }
}

TEST(PodState, is_read_as_it_was_written) {
  PodState state;
  state.started_at = {1};
  state.stopping = true;
  state.problem = "why";
  state.containers = {{"a",
                       true,
                       ContainerPhase::Terminated,
                       "",
                       "",
                       {2},
                       3,
                       Termination{137, 9, "Error", "m", {2}, {4}}},
                      {"b", false, ContainerPhase::Waiting, "CrashLoopBackOff", "w", {0}, 0, {}}};
  const std::string rendered = render_pod_state(state);
  EXPECT_EQ(render_pod_state(parse_pod_state(rendered).value()), rendered);
  const ProcessIdentity identity{12, 345, "boot"};
  EXPECT_EQ(parse_identity(render_identity(identity)).value(), identity);
  EXPECT_FALSE(parse_identity("{}"));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
