#pragma once
// A Store and a kubelet over it that runs real pods. Everything happens in a network namespace of
// the test's own and a temporary directory.

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/types.h>

#include "agent/local_cluster/kubelet/kubelet.h"

struct event_base;

namespace ray_gitops::local_cluster {

constexpr Duration k_patience{30'000};

// Pods' image in these tests: its "Ray environment" is the host's /usr.
constexpr const char* k_test_image = "rayproject/ray:2.60.0";

// A Store with a kubelet, as one process would have them.
class Host {
 public:
  explicit Host(std::string state_directory);
  ~Host();

  Result<void> start_kubelet(std::size_t ray_starts_max = 0);
  void drop_kubelet() { kubelet_.reset(); }  // its pods go on

  // A pod with one container `main` that runs this shell script.
  static nlohmann::json pod(const std::string& name, const std::string& script);
  void create(const nlohmann::json& object);
  void remove_pod(const std::string& name, std::optional<std::int64_t> grace_seconds = {});
  void remove_service(const std::string& name);

  // Null when there is none.
  nlohmann::json get(const std::string& plural, const std::string& name) const;
  nlohmann::json status(const std::string& pod) const;
  // .state of the pod's container `main`.
  nlohmann::json state(const std::string& pod) const;
  std::string phase(const std::string& pod) const;
  bool is_ready(const std::string& pod) const;
  std::string log(const std::string& pod, bool previous = false,
                  const std::string& container = "main") const;
  std::string pod_directory(const std::string& pod) const;

  // Turns the loop until it holds; false after k_patience.
  bool wait_until(const std::function<bool()>& condition);
  bool wait_for_phase(const std::string& pod, const std::string& phase);
  void stop_everything();

  const std::string& state_directory() const { return state_directory_; }

 private:
  std::string state_directory_;
  event_base* base_;
  Store store_;
  std::unique_ptr<Kubelet> kubelet_;
};

class PodTest : public testing::Test {
 protected:
  void SetUp() override;     // skips without the rights
  void TearDown() override;  // nothing of the pods may be left

  std::string directory_;
  std::unique_ptr<Host> host_;
};

// Another machine (a network namespace) whose way to everything leads over this host, which
// forwards packets for it.
class OtherMachine {
 public:
  OtherMachine();
  ~OtherMachine();
  OtherMachine(const OtherMachine&) = delete;
  OtherMachine& operator=(const OtherMachine&) = delete;

  // The shell command that runs `command` there.
  std::string inside(const std::string& command) const;

 private:
  pid_t pid_ = 0;
};

// Processes of this host with this text in their command line.
int count_processes(const std::string& text);

}  // namespace ray_gitops::local_cluster
