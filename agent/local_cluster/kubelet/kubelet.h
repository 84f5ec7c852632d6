#pragma once
// Runs the pods of a Store as processes of this host, and tells how they are: scheduler, kubelet
// and kube-proxy of the local cluster in one. Level-triggered: after any change one pass over all
// pods brings what runs in line with what is asked for. It blocks only for small files and for `ip`
// at start and end.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/local_cluster/kubelet/address_pool.h"
#include "agent/local_cluster/kubelet/image.h"
#include "agent/local_cluster/kubelet/network.h"
#include "agent/local_cluster/kubelet/pod_run.h"
#include "agent/local_cluster/kubelet/prober.h"
#include "agent/local_cluster/kubelet/service_forwarder.h"
#include "agent/local_cluster/kubelet/start_order.h"
#include "agent/local_cluster/store/store.h"

struct event_base;
struct event;

namespace ray_gitops::local_cluster {

// When everything is stopped, no pod gets more than this to end by itself.
constexpr std::int64_t k_stop_all_grace_seconds_max = 10;

struct KubeletOptions {
  std::string state_directory;  // made when missing; one kubelet at a time
  RayEnvironments ray_environments;
  std::string subnet = "10.88.0.0/24";
  std::string bridge = "raygitops0";
  std::size_t ray_starts_max = 0;               // 0: one for each core
  std::vector<std::string> supervisor_command;  // gets the pod's directory as its last argument
  // Called when the kubelet has changed the Store.
  std::function<void()> on_changes;
};

// The log of the container's newest run, or of the one before it. NotFound when there is none.
Result<std::string> find_pod_log(const std::string& state_directory, const std::string& pod_uid,
                                 const std::string& container, bool previous);

class Kubelet {
 public:
  // Checks the rights, makes the network, registers the node and takes over the pods that an
  // earlier kubelet of the same state directory has left running. `base` and `store` must live
  // longer. Conflict when another kubelet has the directory.
  static Result<std::unique_ptr<Kubelet>> start(event_base* base, Store& store,
                                                KubeletOptions options);
  Kubelet(const Kubelet&) = delete;
  Kubelet& operator=(const Kubelet&) = delete;
  ~Kubelet();  // the pods go on; a later kubelet takes them over

  // To be called after any change of the Store by others.
  void store_changed();
  // Ends every pod and the network, then calls `done`, once. Pods that ran are Failed with reason
  // Terminated afterwards.
  void stop_all(std::function<void()> done);

 private:
  struct Events;

  Kubelet(event_base* base, Store& store, KubeletOptions options, AddressPool addresses);

  Result<void> begin();
  Result<void> take_lock();
  void register_node();
  void adopt_pods();
  void remove_leftover_interfaces();

  void pass();
  void take_in(const std::vector<Document>& pods);
  void forget_absent(const std::vector<Document>& pods);
  void look_at(PodRun& run);
  void finish_terminating(PodRun& run);
  void start_waiting(Now now);
  std::optional<PodProcessPlan> prepare(PodRun& run, WallTime now);
  void bind(PodRun& run, WallTime now);
  void start_pod(PodRun& run, const PodProcessPlan& plan, Now now);
  PlanResult<PodProcessPlan> plan(const PodRun& run) const;
  void send_probes(Now now);
  void send_probe(PodRun& run, const std::string& uid, const std::string& name, ProbeKind kind);
  void note_probe(const std::string& uid, const std::string& container, WallTime run,
                  ProbeKind kind, bool success, const std::string& message);
  void write_statuses(Now now);
  void write_hosts_files();
  void forward_services();
  void watch(PodRun& run);
  void note_supervisor_end(const std::string& uid);
  void note_state_changes();
  void discard(PodRun& run);
  void set_timer(Now now);
  void finish_stopping();
  void changed();
  std::vector<Document> list(const char* plural) const;

  event_base* base_;
  Store& store_;
  KubeletOptions options_;
  AddressPool addresses_;
  BridgeOptions bridge_;
  FileDescriptor lock_;
  FileDescriptor inotify_;
  std::map<std::string, PodRun> runs_;            // by uid
  std::map<int, std::string> directory_watches_;  // inotify watch -> uid
  std::unique_ptr<Prober> prober_;
  ServiceForwarder forwarder_;
  std::unique_ptr<Events> events_;
  std::function<void()> stopped_;
  bool stopping_ = false;
};

}  // namespace ray_gitops::local_cluster
