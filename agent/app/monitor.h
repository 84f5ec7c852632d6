#pragma once
// What is served to the cluster that runs the agent: /metrics, /healthz, /readyz.

#include <functional>
#include <memory>
#include <string>

#include "agent/engine/engine.h"
#include "agent/loop/loop.h"
#include "agent/metrics/exposition.h"
#include "agent/metrics/recorder.h"
#include "agent/web/server.h"

namespace ray_gitops::app {

class Monitor {
 public:
  // `engine` and `loop` outlive it.
  Monitor(Loop& loop, const engine::Engine& engine, metrics::Identity identity);

  // Unavailable or InvalidInput when the address cannot be listened on.
  Result<void> listen(const std::string& address);
  void on(const engine::Effect& effect) { recorder_.on(effect, loop_.now()); }
  void on(const engine::Event& event) { recorder_.on(event, loop_.now()); }

 private:
  web::Answer answer(const std::string& path) const;

  Loop& loop_;
  const engine::Engine& engine_;
  metrics::Identity identity_;
  metrics::Recorder recorder_;
  std::unique_ptr<web::Server> server_;
};

}  // namespace ray_gitops::app
