// Kubelet: from nothing, or from what an earlier one has left, to running.
#include <filesystem>
#include <set>
#include <utility>

#include <event2/event.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "agent/local_cluster/kubelet/clock.h"
#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/kubelet_events.h"
#include "agent/local_cluster/kubelet/node.h"
#include "agent/local_cluster/kubelet/rights.h"
#include "agent/log/log.h"

namespace ray_gitops::local_cluster {

using nlohmann::json;

Result<std::unique_ptr<Kubelet>> Kubelet::start(event_base* base, Store& store,
                                                KubeletOptions options) {
  TRY(check_rights());
  AddressPool addresses = TRY(AddressPool::parse(options.subnet));
  std::unique_ptr<Kubelet> kubelet(
      new Kubelet(base, store, std::move(options), std::move(addresses)));
  TRY(kubelet->begin());
  return kubelet;
}

Kubelet::Kubelet(event_base* base, Store& store, KubeletOptions options, AddressPool addresses)
    : base_(base),
      store_(store),
      options_(std::move(options)),
      addresses_(std::move(addresses)),
      bridge_{options_.bridge, options_.subnet, addresses_.gateway(), addresses_.prefix_length()},
      prober_(std::make_unique<Prober>(base)),
      forwarder_(base, addresses_),
      events_(std::make_unique<Events>()) {}

Kubelet::~Kubelet() = default;

Result<void> Kubelet::begin() {
  std::error_code failed;
  std::filesystem::create_directories(pods_directory(options_.state_directory), failed);
  if (failed) return fail(ErrorCode::Unavailable, failed.message(), options_.state_directory);
  options_.state_directory = std::filesystem::canonical(options_.state_directory, failed).string();
  const std::string pods = pods_directory(options_.state_directory);
  if (chmod(pods.c_str(), 0700) != 0) return fail_with_errno(pods);
  TRY(take_lock());
  TRY(ensure_bridge(bridge_));
  if (options_.ray_starts_max == 0) {
    options_.ray_starts_max = static_cast<std::size_t>(read_host_facts().cores);
  }
  inotify_ = FileDescriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_.is_open()) return fail_with_errno("inotify");
  events_->wake.reset(event_new(base_, -1, 0, Events::on_due, this));
  events_->timer.reset(event_new(base_, -1, 0, Events::on_due, this));
  events_->state_files.reset(
      event_new(base_, inotify_.get(), EV_READ | EV_PERSIST, Events::on_state_files, this));
  event_add(events_->state_files.get(), nullptr);
  register_node();
  adopt_pods();
  remove_leftover_interfaces();
  store_changed();
  return {};
}

Result<void> Kubelet::take_lock() {
  const std::string path = options_.state_directory + "/kubelet.lock";
  lock_ = FileDescriptor(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_.is_open()) return fail_with_errno(path);
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::Conflict, "another local cluster runs with this state directory",
                options_.state_directory);
  }
  return {};
}

void Kubelet::register_node() {
  const WallTime now = read_clocks().wall;
  const json node = render_node(read_host_facts(), addresses_.gateway(), now);
  const StoreKey key{"nodes", "", k_node_name};
  if (store_.find(key).is_null()) {
    static_cast<void>(store_.create(key, node, {.now = now, .field_manager = "kubelet"}));
  }
  static_cast<void>(store_.set_status(key, text(member(store_.find(key).json(), "metadata", "uid")),
                                      node["status"], now));
  changed();
}

void Kubelet::adopt_pods() {
  const Now now = read_clocks();
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(pods_directory(options_.state_directory), ignored)) {
    const std::string uid = entry.path().filename().string();
    PodRun run({"pods", "", ""}, uid, {entry.path().string()});
    const auto plan = run.adopt(now.monotonic);
    if (!plan) {
      // Nothing was ever started there.
      std::filesystem::remove_all(entry.path(), ignored);
      continue;
    }
    run.key = {"pods", plan->ns, plan->name};
    // Without its address (another subnet than before) the pod is of no use, and is stopped.
    const auto held = addresses_.take_exactly(uid, plan->network.address);
    run.address = plan->network.address;
    PodRun& kept = runs_.emplace(uid, std::move(run)).first->second;
    log::write(log::Level::Info,
               kept.is_running() ? "pod taken over" : "pod found without processes",
               {{"pod", kept.key.ns + "/" + kept.key.name}});
    if (kept.is_running()) watch(kept);
    if (!held) kept.stop(0, now.monotonic);
  }
}

void Kubelet::remove_leftover_interfaces() {
  std::set<std::string> known;
  for (const auto& [uid, run] : runs_) {
    if (run.is_running()) known.insert(pod_interface({options_.bridge, run.address, "", 0}));
  }
  for (const std::string& interface : read_pod_interfaces(options_.bridge)) {
    if (!known.contains(interface))
      static_cast<void>(run_program({"ip", "link", "del", interface}));
  }
}

}  // namespace ray_gitops::local_cluster
