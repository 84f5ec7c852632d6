#include "agent/local_cluster/kubelet/kubelet.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>

#include <event2/event.h>
#include <nlohmann/json.hpp>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/clock.h"
#include "agent/local_cluster/kubelet/hosts_file.h"
#include "agent/local_cluster/kubelet/json_access.h"
#include "agent/local_cluster/kubelet/kubelet_events.h"
#include "agent/local_cluster/kubelet/node.h"
#include "agent/log/log.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

// A wake-up that was missed (a lost inotify event) costs this much.
constexpr Duration k_look_again{30'000};

std::string uid_of(const Document& object) {
  return text(member(object.json(), "metadata", "uid"));
}

bool is_being_deleted(const json& pod) {
  return member(pod, "metadata", "deletionTimestamp").is_string();
}

}  // namespace

void EventDeleter::operator()(event* each) const { event_free(each); }

void Kubelet::Events::on_due(int, short, void* kubelet) { static_cast<Kubelet*>(kubelet)->pass(); }

void Kubelet::Events::on_state_files(int, short, void* kubelet) {
  static_cast<Kubelet*>(kubelet)->note_state_changes();
}

void Kubelet::Events::on_supervisor_end(int, short, void* supervisor) {
  const auto& ended = *static_cast<Supervisor*>(supervisor);
  const std::string uid = ended.uid;  // goes with the supervisor
  ended.kubelet->note_supervisor_end(uid);
}

Result<std::string> find_pod_log(const std::string& state_directory, const std::string& pod_uid,
                                 const std::string& container, bool previous) {
  for (const std::string& part : {pod_uid, container}) {
    if (part.empty() || part.front() == '.' || part.find('/') != std::string::npos) {
      return fail(ErrorCode::NotFound, "there is no such container");
    }
  }
  return find_log({pods_directory(state_directory) + "/" + pod_uid}, container, previous);
}

void Kubelet::store_changed() { event_active(events_->wake.get(), EV_TIMEOUT, 1); }

void Kubelet::changed() {
  if (options_.on_changes) options_.on_changes();
}

std::vector<Document> Kubelet::list(const char* plural) const {
  return store_.list({.type = find_type_by_plural(plural), .ns = "", .labels = {}, .fields = {}});
}

// One pass: what is asked for, what runs, what it takes to bring both together.
void Kubelet::pass() {
  const Now now = read_clocks();
  const std::vector<Document> pods = list("pods");
  const std::int64_t revision = store_.revision();
  take_in(pods);
  forget_absent(pods);
  std::vector<PodRun*> present;
  present.reserve(pods.size());
  for (const Document& pod : pods) present.push_back(&runs_.at(uid_of(pod)));
  for (PodRun* run : present) look_at(*run);
  if (!stopping_) start_waiting(now);
  send_probes(now);
  write_statuses(now);
  write_hosts_files();
  forward_services();
  if (store_.revision() != revision) changed();
  set_timer(now);
  if (stopping_) finish_stopping();
}

void Kubelet::take_in(const std::vector<Document>& pods) {
  for (const Document& pod : pods) {
    const std::string uid = uid_of(pod);
    const json& metadata = member(pod.json(), "metadata");
    const StoreKey key{"pods", text(member(metadata, "namespace")), text(member(metadata, "name"))};
    const std::string directory = pods_directory(options_.state_directory) + "/" + uid;
    PodRun& run = runs_.try_emplace(uid, key, uid, PodDirectory{directory}).first->second;
    run.object = pod;
  }
}

// Pods that the Store no longer has: nobody waits for their end.
void Kubelet::forget_absent(const std::vector<Document>& pods) {
  std::set<std::string> present;
  for (const Document& pod : pods) present.insert(uid_of(pod));
  std::vector<std::string> gone;
  for (auto& [uid, run] : runs_) {
    if (present.contains(uid)) continue;
    run.stop(0, read_clocks().monotonic);
    run.enforce_stop(read_clocks().monotonic);
    if (!run.is_running()) gone.push_back(uid);
  }
  for (const std::string& uid : gone) discard(runs_.at(uid));
}

// After this, the run is gone.
void Kubelet::discard(PodRun& run) {
  const std::string uid = run.uid;
  std::error_code ignored;
  std::filesystem::remove_all(run.directory.path, ignored);
  addresses_.release(uid);
  events_->supervisors.erase(uid);
  runs_.erase(uid);
}

void Kubelet::look_at(PodRun& run) {
  const json& pod = run.object.json();
  run.enforce_stop(read_clocks().monotonic);
  if (is_being_deleted(pod)) return finish_terminating(run);
  // What an earlier kubelet had started, and of which nothing is left.
  const bool had_started = member(pod, "status", "podIP").is_string();
  if (!run.is_launched() && had_started && !is_over(pod) && !run.end) {
    run.end = PodEnd{"Lost", "the pod's processes did not survive a restart of the host"};
  }
  const bool is_gone = (run.is_launched() && !run.is_running()) || run.end || is_over(pod);
  if (is_gone && !run.is_running()) addresses_.release(run.uid);
}

void Kubelet::finish_terminating(PodRun& run) {
  const json& pod = run.object.json();
  if (run.is_running()) return run.stop(grace_seconds_of(pod), read_clocks().monotonic);
  const auto finished = store_.finish_pod(run.key, run.uid, read_clocks().wall);
  // With a finalizer on it the object stays; what ran is gone all the same.
  if (finished && finished->gone) discard(run);
}

void Kubelet::start_waiting(Now now) {
  std::vector<WaitingPod> waiting;
  std::map<std::string, PodProcessPlan> plans;
  std::size_t starting = 0;
  for (auto& [uid, run] : runs_) {
    if (run.is_starting(now.monotonic)) ++starting;
    auto plan = prepare(run, now.wall);
    if (!plan) continue;
    const json& metadata = member(run.object.json(), "metadata");
    waiting.push_back({uid, is_ray_node(run.object.json()),
                       text(member(metadata, "labels", "ray.io/node-type")) == "head",
                       text(member(metadata, "creationTimestamp"))});
    plans.emplace(uid, std::move(*plan));
    run.waits_for = "waits for a core: at most " + std::to_string(options_.ray_starts_max) +
                    " Ray nodes start at the same time on this host";
  }
  const std::size_t places = options_.ray_starts_max - std::min(starting, options_.ray_starts_max);
  for (const std::string& uid : choose_starts(std::move(waiting), places)) {
    start_pod(runs_.at(uid), plans.at(uid), now);
  }
}

// What is to be run for a pod that has not started; nullopt when there is nothing to start, or not
// now, with the reason noted.
std::optional<PodProcessPlan> Kubelet::prepare(PodRun& run, WallTime now) {
  const json& pod = run.object.json();
  if (run.object.is_null() || run.is_launched() || run.end) return std::nullopt;
  if (is_being_deleted(pod) || is_over(pod)) return std::nullopt;
  auto address = addresses_.take(run.uid);
  if (!address) {
    run.waits_for = describe(address.error());
    return std::nullopt;
  }
  run.address = std::move(*address);
  auto planned = plan(run);
  if (planned) {
    run.problem.reset();
    return std::move(*planned);
  }
  // Looked at again with every change: a missing Secret may come.
  run.problem = planned.error();
  run.waits_for.clear();
  run.address.clear();
  addresses_.release(run.uid);
  bind(run, now);
  return std::nullopt;
}

void Kubelet::bind(PodRun& run, WallTime now) {
  if (!text(member(run.object.json(), "spec", "nodeName")).empty()) return;
  const auto bound = store_.bind_pod(run.key, run.uid, k_node_name, now);
  if (bound) run.object = *bound;
}

PlanResult<PodProcessPlan> Kubelet::plan(const PodRun& run) const {
  const std::string ns = run.key.ns;
  return plan_pod({.pod = run.object.json(),
                   .network = {bridge_.name, run.address, bridge_.gateway, bridge_.prefix_length},
                   .node_name = k_node_name,
                   .hidden = {options_.state_directory},
                   .ray_environments = options_.ray_environments,
                   .find = [this, ns](const std::string& plural, const std::string& name) {
                     return store_.find({plural, ns, name});
                   }});
}

void Kubelet::start_pod(PodRun& run, const PodProcessPlan& plan, Now now) {
  run.waits_for.clear();
  bind(run, now.wall);
  const std::string hosts =
      render_hosts_file(run.object.json(), run.address, list("services"), list("pods"));
  const auto launched = run.launch(plan, hosts, options_.supervisor_command, now.monotonic);
  const std::string name = run.key.ns + "/" + run.key.name;
  if (launched) {
    log::write(log::Level::Info, "pod started", {{"pod", name}, {"address", run.address}});
    return watch(run);
  }
  log::write(log::Level::Error, "pod not started",
             {{"pod", name}, {"error", describe(launched.error())}});
  run.end = PodEnd{"SupervisorFailed", describe(launched.error())};
}

void Kubelet::watch(PodRun& run) {
  auto& supervisor = events_->supervisors[run.uid];
  supervisor.kubelet = this;
  supervisor.uid = run.uid;
  supervisor.ended.reset(
      event_new(base_, run.process().get(), EV_READ, Events::on_supervisor_end, &supervisor));
  event_add(supervisor.ended.get(), nullptr);
  const int watch = inotify_add_watch(inotify_.get(), run.directory.path.c_str(), IN_MOVED_TO);
  if (watch >= 0) directory_watches_[watch] = run.uid;
  run.read_state();
}

void Kubelet::note_supervisor_end(const std::string& uid) {
  events_->supervisors.erase(uid);
  const auto found = runs_.find(uid);
  if (found == runs_.end()) return;
  PodRun& run = found->second;
  run.note_end();
  const bool is_lost = run.end && run.end->reason == "Lost";
  log::write(
      is_lost ? log::Level::Warning : log::Level::Info, "pod ended",
      {{"pod", run.key.ns + "/" + run.key.name}, {"reason", run.end ? run.end->reason : ""}});
  store_changed();
}

void Kubelet::note_state_changes() {
  alignas(inotify_event) std::array<char, 16UL * 1024> buffer{};
  std::set<std::string> changed_uids;
  ssize_t size = 0;
  while ((size = read(inotify_.get(), buffer.data(), buffer.size())) > 0) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const auto* each = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += sizeof(inotify_event) + each->len;
      const auto found = directory_watches_.find(each->wd);
      if (found == directory_watches_.end()) continue;
      if ((each->mask & IN_IGNORED) != 0) {
        directory_watches_.erase(found);
      } else {
        changed_uids.insert(found->second);
      }
    }
  }
  for (const std::string& uid : changed_uids) {
    const auto run = runs_.find(uid);
    if (run != runs_.end() && run->second.is_running()) run->second.read_state();
  }
  store_changed();
}

void Kubelet::send_probes(Now now) {
  for (auto& [uid, run] : runs_) {
    run.update_probes(now);
    if (is_being_deleted(run.object.json()) || stopping_) continue;
    run.restart_failed();
    for (auto& [name, container] : run.containers)
      for (const ProbeKind kind : container.probes.take_due(now.monotonic))
        send_probe(run, uid, name, kind);
  }
}

void Kubelet::send_probe(PodRun& run, const std::string& uid, const std::string& name,
                         ProbeKind kind) {
  const auto& container = run.containers.at(name);
  prober_->send(container.probes.spec(kind), {run.address, run.directory, name},
                [this, uid, name, since = container.started_at, kind](bool success,
                                                                      const std::string& message) {
                  note_probe(uid, name, since, kind, success, message);
                });
}

void Kubelet::note_probe(const std::string& uid, const std::string& container, WallTime run,
                         ProbeKind kind, bool success, const std::string& message) {
  const auto found = runs_.find(uid);
  if (found == runs_.end()) return;
  const auto running = found->second.containers.find(container);
  const bool is_current =
      running != found->second.containers.end() && running->second.started_at == run;
  if (!is_current) return;
  running->second.probes.record(kind, success, message, read_clocks().monotonic);
  store_changed();
}

void Kubelet::write_statuses(Now now) {
  for (auto& [uid, run] : runs_) {
    const json& pod = run.object.json();
    if (run.object.is_null() || (is_over(pod) && !run.is_running())) continue;
    std::optional<PodState> state = run.state;
    // The pod is over when its supervisor is, which has something left to do after the last word.
    if (state && run.is_running()) state->finished = false;
    const json status = compute_pod_status({.pod = pod,
                                            .waits_for = run.waits_for,
                                            .problem = run.problem,
                                            .state = std::move(state),
                                            .end = run.is_running() ? std::nullopt : run.end,
                                            .readiness = run.readiness(),
                                            .address = run.address,
                                            .host_address = bridge_.gateway,
                                            .now = now.wall});
    const auto written = store_.set_status(run.key, uid, status, now.wall);
    if (written) run.object = *written;
  }
}

void Kubelet::write_hosts_files() {
  const std::vector<Document> services = list("services");
  const std::vector<Document> pods = list("pods");
  for (auto& [uid, run] : runs_) {
    if (!run.is_running() || run.object.is_null()) continue;
    std::string hosts = render_hosts_file(run.object.json(), run.address, services, pods);
    if (hosts == run.written_hosts) continue;
    if (write_in_place(run.directory.hosts(), hosts)) run.written_hosts = std::move(hosts);
  }
}

// Nobody new comes in while everything ends.
void Kubelet::forward_services() {
  forwarder_.set_routes(
      stopping_ ? ServiceRoutes{}
                : plan_service_routes(list("services"), list("endpointslices"), addresses_));
}

void Kubelet::set_timer(Now now) {
  Instant next = now.monotonic + k_look_again;
  for (const auto& [uid, run] : runs_) {
    const auto deadline = run.next_deadline(now.monotonic);
    if (deadline) next = std::min(next, *deadline);
  }
  const std::int64_t wait = std::max<std::int64_t>(1, (next - now.monotonic).count());
  const timeval delay{wait / 1000, wait % 1000 * 1000};
  evtimer_add(events_->timer.get(), &delay);
}

void Kubelet::stop_all(std::function<void()> done) {
  stopped_ = std::move(done);
  stopping_ = true;
  const Now now = read_clocks();
  for (auto& [uid, run] : runs_) {
    if (!run.is_running()) continue;
    run.end = PodEnd{"Terminated", "the pod was stopped because the local cluster was stopped"};
    run.stop(std::min(grace_seconds_of(run.object.json()), k_stop_all_grace_seconds_max),
             now.monotonic);
  }
  store_changed();
}

void Kubelet::finish_stopping() {
  const bool runs = std::any_of(runs_.begin(), runs_.end(),
                                [](const auto& entry) { return entry.second.is_running(); });
  if (runs || !stopped_) return;
  static_cast<void>(remove_bridge(bridge_));
  std::exchange(stopped_, nullptr)();
}

}  // namespace ray_gitops::local_cluster
