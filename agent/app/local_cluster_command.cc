#include "agent/app/local_cluster_command.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <event2/event.h>

#include "agent/app/files.h"
#include "agent/app/log_setup.h"
#include "agent/local_cluster/kubelet/kubelet.h"
#include "agent/local_cluster/server/open.h"
#include "agent/local_cluster/server/server.h"
#include "agent/log/log.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::app {
namespace {

using local_cluster::Kubelet;
using local_cluster::OpenedStore;
using local_cluster::PodLogPlace;
using local_cluster::Server;

struct CloseBase {
  void operator()(event_base* base) const { event_base_free(base); }
};
struct CloseEvent {
  void operator()(event* watched) const { event_free(watched); }
};
using Base = std::unique_ptr<event_base, CloseBase>;
using SignalEvent = std::unique_ptr<event, CloseEvent>;

WallTime wall_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<Duration>(since_epoch).count()};
}

class KubeletLogs : public local_cluster::PodLogs {
 public:
  explicit KubeletLogs(std::string state_directory)
      : state_directory_(std::move(state_directory)) {}
  Result<std::string> find_log(const PodLogPlace& place) const override {
    return local_cluster::find_pod_log(state_directory_, place.uid, place.container,
                                       place.previous);
  }

 private:
  std::string state_directory_;
};

// The cluster: one Store, the server and the kubelet around it, one event loop.
class LocalCluster {
 public:
  LocalCluster(const cli::LocalClusterCommand& command, Base base, OpenedStore opened)
      : command_(command),
        base_(std::move(base)),
        opened_(std::move(opened)),
        logs_(kubelet_directory()) {}

  Result<void> start();
  void run() { event_base_dispatch(base_.get()); }

 private:
  std::string kubelet_directory() const { return command_.state_directory + "/kubelet"; }
  std::string kubeconfig() const {
    return command_.kubeconfig.empty() ? command_.state_directory + "/kubeconfig"
                                       : command_.kubeconfig;
  }
  Result<void> start_server();
  Result<void> start_kubelet();
  void watch_signals();
  void stop();

  const cli::LocalClusterCommand& command_;
  Base base_;
  OpenedStore opened_;
  KubeletLogs logs_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Kubelet> kubelet_;
  SignalEvent terminate_;
  SignalEvent interrupt_;
};

Result<void> LocalCluster::start_server() {
  const local_cluster::Credentials credentials =
      TRY(local_cluster::read_or_make_credentials(command_.state_directory, wall_now()));
  local_cluster::ServerOptions options;
  options.port = local_cluster::read_port(command_.state_directory);
  options.token = credentials.token;
  options.certificate = credentials.certificate;
  options.on_changes = [this] {
    if (kubelet_) kubelet_->store_changed();
  };
  Result<std::unique_ptr<Server>> server =
      Server::start(base_.get(), opened_.store, opened_.database, logs_, options);
  if (!server && options.port != 0) {
    log::write(log::Level::Warning,
               "the last run's port is taken; clients need the new kubeconfig");
    options.port = 0;
    server = Server::start(base_.get(), opened_.store, opened_.database, logs_, options);
  }
  server_ = TRY(std::move(server));
  TRY(local_cluster::save_port(command_.state_directory, server_->port()));
  return local_cluster::write_kubeconfig(kubeconfig(), server_->url(), credentials);
}

Result<void> LocalCluster::start_kubelet() {
  local_cluster::KubeletOptions options;
  options.state_directory = kubelet_directory();
  if (!command_.ray_environments.empty())
    options.ray_environments = local_cluster::read_ray_environments(command_.ray_environments);
  options.subnet = command_.subnet;
  options.bridge = command_.bridge;
  options.supervisor_command = {own_path(), "pod-supervisor", "--state"};
  options.on_changes = [this] { server_->changed(); };
  kubelet_ = TRY(Kubelet::start(base_.get(), opened_.store, std::move(options)));
  return {};
}

void LocalCluster::stop() {
  terminate_.reset();
  interrupt_.reset();
  log::write(log::Level::Info, "local cluster ends: stopping its pods");
  kubelet_->stop_all([this] {
    server_->drain();
    event_base_loopexit(base_.get(), nullptr);
  });
}

void LocalCluster::watch_signals() {
  const auto on_signal = [](int, short, void* cluster) {
    static_cast<LocalCluster*>(cluster)->stop();
  };
  terminate_.reset(evsignal_new(base_.get(), SIGTERM, on_signal, this));
  interrupt_.reset(evsignal_new(base_.get(), SIGINT, on_signal, this));
  event_add(terminate_.get(), nullptr);
  event_add(interrupt_.get(), nullptr);
}

Result<void> LocalCluster::start() {
  TRY(start_server());
  TRY(start_kubelet());
  watch_signals();
  log::write(log::Level::Info, "local cluster is up",
             {{"server", server_->url()}, {"kubeconfig", kubeconfig()}});
  return {};
}

int complain(const Error& error) {
  std::fprintf(stderr, "ray-gitops: %s\n", printable(describe(error)).c_str());
  return cli::k_exit_failed;
}

}  // namespace

int run_local_cluster(const cli::LocalClusterCommand& command) {
  set_up_log(command.log);
  std::signal(SIGPIPE, SIG_IGN);
  Base base(event_base_new());
  Result<OpenedStore> opened = local_cluster::open_store(command.state_directory, wall_now());
  if (!opened) return complain(opened.error());
  LocalCluster cluster(command, std::move(base), std::move(*opened));
  if (const Result<void> started = cluster.start(); !started) return complain(started.error());
  cluster.run();
  return cli::k_exit_ok;
}

}  // namespace ray_gitops::app
