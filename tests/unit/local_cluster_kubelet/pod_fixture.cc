#include "pod_fixture.h"

#include <chrono>
#include <filesystem>

#include <event2/event.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/clock.h"
#include "agent/local_cluster/kubelet/log_file.h"
#include "agent/local_cluster/kubelet/network.h"
#include "agent/local_cluster/kubelet/process.h"
#include "agent/local_cluster/kubelet/rights.h"
#include "agent/local_cluster/kubelet/status.h"

namespace ray_gitops::local_cluster {

using nlohmann::json;

namespace {

constexpr timeval k_turn{0, 20'000};
constexpr const char* k_bridge = "rgtestbridge0";

// Once a process: from here on it has a network of its own.
bool enter_own_network() {
  static const bool entered =
      unshare(CLONE_NEWNET) == 0 && run_program({"ip", "link", "set", "lo", "up"}).has_value();
  return entered;
}

std::string plural_of(const std::string& kind) {
  if (kind == "Service") return "services";
  if (kind == "ConfigMap") return "configmaps";
  return kind == "Secret" ? "secrets" : "pods";
}

}  // namespace

Host::Host(std::string state_directory)
    : state_directory_(std::move(state_directory)), base_(event_base_new()) {
  signal(SIGPIPE, SIG_IGN);
  const json ns = {
      {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "default"}}}};
  EXPECT_TRUE(store_.create({"namespaces", "", "default"}, ns,
                            {.now = read_clocks().wall, .field_manager = "test"}));
}

Host::~Host() {
  kubelet_.reset();
  event_base_free(base_);
}

Result<void> Host::start_kubelet(std::size_t ray_starts_max) {
  KubeletOptions options;
  options.state_directory = state_directory_;
  options.ray_environments = {{"2.60.0", "/usr"}};
  options.subnet = "10.88.0.0/24";
  options.bridge = k_bridge;
  options.ray_starts_max = ray_starts_max;
  options.supervisor_command = {SUPERVISOR};
  options.on_changes = [this] {
    store_.settle(read_clocks().wall);
    if (kubelet_) kubelet_->store_changed();
  };
  kubelet_ = TRY(Kubelet::start(base_, store_, std::move(options)));
  return {};
}

json Host::pod(const std::string& name, const std::string& script) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name}, {"namespace", "default"}, {"labels", {{"app", name}}}}},
          {"spec",
           {{"terminationGracePeriodSeconds", 5},
            {"restartPolicy", "Never"},
            {"containers", json::array({{{"name", "main"},
                                         {"image", k_test_image},
                                         {"command", {"/bin/sh", "-c", script}}}})}}}};
}

void Host::create(const json& object) {
  const StoreKey key{plural_of(object["kind"]), "default", object["metadata"]["name"]};
  const auto created =
      store_.create(key, object, {.now = read_clocks().wall, .field_manager = "test"});
  ASSERT_TRUE(created) << created.error().message;
  store_.settle(read_clocks().wall);
  if (kubelet_) kubelet_->store_changed();
}

void Host::remove_pod(const std::string& name, std::optional<std::int64_t> grace_seconds) {
  const auto removed =
      store_.remove({"pods", "default", name},
                    {.now = read_clocks().wall, .grace_period_seconds = grace_seconds});
  ASSERT_TRUE(removed) << removed.error().message;
  store_.settle(read_clocks().wall);
  kubelet_->store_changed();
}

void Host::remove_service(const std::string& name) {
  ASSERT_TRUE(store_.remove({"services", "default", name}, {.now = read_clocks().wall}));
  kubelet_->store_changed();
}

json Host::get(const std::string& plural, const std::string& name) const {
  return store_.find({plural, plural == "nodes" ? "" : "default", name}).json();
}

json Host::status(const std::string& pod) const {
  const json object = get("pods", pod);
  return object.is_null() ? json() : object.value("status", json::object());
}

json Host::state(const std::string& pod) const {
  const json all = status(pod).value("containerStatuses", json::array());
  return all.empty() ? json::object() : all[0]["state"];
}

std::string Host::phase(const std::string& pod) const {
  const json now = status(pod);
  return now.is_null() ? "gone" : now.value("phase", "");
}

bool Host::is_ready(const std::string& pod) const {
  return has_condition(get("pods", pod), "Ready");
}

std::string Host::log(const std::string& pod, bool previous, const std::string& container) const {
  const json object = get("pods", pod);
  if (object.is_null()) return "";
  const auto path = find_pod_log(state_directory_, object["metadata"]["uid"], container, previous);
  return path ? read_file(*path, k_log_bytes_max).value() : "";
}

std::string Host::pod_directory(const std::string& pod) const {
  return state_directory_ + "/pods/" + get("pods", pod)["metadata"]["uid"].get<std::string>();
}

bool Host::wait_until(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + k_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    event_base_loopexit(base_, &k_turn);
    event_base_dispatch(base_);
  }
  return true;
}

bool Host::wait_for_phase(const std::string& pod, const std::string& wanted) {
  const bool reached = wait_until([&] { return phase(pod) == wanted; });
  if (!reached) ADD_FAILURE() << pod << " is " << get("pods", pod).dump(1);
  return reached;
}

void Host::stop_everything() {
  bool stopped = false;
  kubelet_->stop_all([&] { stopped = true; });
  EXPECT_TRUE(wait_until([&] { return stopped; }));
  drop_kubelet();
}

void PodTest::SetUp() {
  const auto rights = check_rights();
  if (!rights) GTEST_SKIP() << describe(rights.error());
  if (!enter_own_network()) GTEST_SKIP() << "no network namespace can be made here";
  std::string pattern = testing::TempDir() + "rg-kubelet-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  host_ = std::make_unique<Host>(directory_);
  ASSERT_TRUE(host_->start_kubelet());
}

void PodTest::TearDown() {
  if (!host_) return;
  host_->stop_everything();
  EXPECT_EQ(count_processes(directory_), 0);
  EXPECT_TRUE(read_pod_interfaces(k_bridge).empty());
  EXPECT_FALSE(run_program({"ip", "link", "show", k_bridge}));
  EXPECT_EQ(run_program({"ip", "rule", "show"}).value().find("10.88.0.0"), std::string::npos);
  EXPECT_EQ(run_program({"ip", "route", "show", "table", "all"}).value().find("10.96.0.0"),
            std::string::npos);
  EXPECT_EQ(read_file("/proc/self/mountinfo", 1 << 20).value().find(directory_), std::string::npos);
  std::filesystem::remove_all(directory_);
}

OtherMachine::OtherMachine() : pid_(fork()) {
  if (pid_ == 0) {
    unshare(CLONE_NEWNET);
    for (;;) pause();
  }
  const std::string own = "/proc/" + std::to_string(pid_) + "/ns/net";
  const auto until = std::chrono::steady_clock::now() + k_patience;
  while (std::filesystem::read_symlink(own) == std::filesystem::read_symlink("/proc/self/ns/net") &&
         std::chrono::steady_clock::now() < until) {
  }
  const std::string setup =
      "sysctl -qw net.ipv4.ip_forward=1 && "
      "ip link add lan type veth peer name lan netns " +
      std::to_string(pid_) + " && ip addr add 192.0.2.1/24 dev lan && ip link set lan up && " +
      inside("ip addr add 192.0.2.2/24 dev lan") + " && " + inside("ip link set lan up") + " && " +
      inside("ip route add default via 192.0.2.1");
  EXPECT_TRUE(run_program({"sh", "-c", setup}));
}

OtherMachine::~OtherMachine() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  // The kernel takes its end of the cable away later than the next test may want a new one.
  static_cast<void>(run_program({"ip", "link", "del", "lan"}));
}

std::string OtherMachine::inside(const std::string& command) const {
  return "nsenter -t " + std::to_string(pid_) + " -n " + command;
}

int count_processes(const std::string& text) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto line = read_file(entry.path().string() + "/cmdline", 1 << 20);
    if (line && line->find(text) != std::string::npos) ++count;
  }
  return count;
}

}  // namespace ray_gitops::local_cluster
