#pragma once
// The running agent: the engine, the adapters that carry out its effects, and the loop that brings
// their answers back.

#include <optional>
#include <string>
#include <vector>

#include "agent/app/head_access.h"
#include "agent/app/memory.h"
#include "agent/app/monitor.h"
#include "agent/engine/engine.h"
#include "agent/git/git_worker.h"
#include "agent/kubernetes/client.h"
#include "agent/loop/loop.h"
#include "agent/ray/client.h"
#include "agent/ray/gcs/client.h"
#include "agent/report/report.h"
#include "agent/source/source.h"

namespace ray_gitops::app {

struct RuntimeOptions {
  engine::EngineOptions engine;
  git::GitWorkerOptions git;
  source::SourceOptions source;
  report::ReportOptions report;
  kubernetes::ClientOptions kubernetes;
  ray::RayClientOptions ray;
  ray::GcsClientOptions gcs;
  std::string metrics_address;  // "": nothing is served
};

class Runtime {
 public:
  explicit Runtime(RuntimeOptions options);

  // Serves metrics and probes where the options say so. Before run().
  Result<void> listen();
  // Until the engine says Exit; the process's exit code. SIGTERM and SIGINT ask it to stop, SIGUSR1
  // to poll now.
  int run();

 private:
  void deliver(engine::Event event);
  void carry_out(engine::Effects effects);
  void schedule_tick();

  Loop loop_;
  Memory memory_{loop_};
  metrics::Identity identity_;
  engine::Engine engine_;
  git::GitWorker worker_;
  source::Source source_;
  report::Report report_;
  kubernetes::KubernetesClient kubernetes_;
  HeadAccess head_access_;
  ray::RayClient ray_;
  ray::GcsClient gcs_;
  std::string metrics_address_;
  std::optional<Monitor> monitor_;
  TimerId tick_ = 0;
  std::optional<int> exit_code_;
};

}  // namespace ray_gitops::app
