#include "agent/app/monitor.h"

#include <utility>

#include "agent/log/log.h"

namespace ray_gitops::app {
namespace {

web::Answer text(int status, const std::string& sentence) {
  return {status, "text/plain; charset=utf-8", sentence + "\n"};
}

}  // namespace

Monitor::Monitor(Loop& loop, const engine::Engine& engine, metrics::Identity identity)
    : loop_(loop), engine_(engine), identity_(std::move(identity)) {}

Result<void> Monitor::listen(const std::string& address) {
  server_ = TRY(
      web::Server::start(loop_, address, [this](const std::string& path) { return answer(path); }));
  log::write(log::Level::Info, "metrics and probes are served", {{"address", address}});
  return {};
}

web::Answer Monitor::answer(const std::string& path) const {
  // That it is answered says all: the same thread does the agent's work.
  if (path == "/healthz") return text(200, "the agent runs");
  if (path == "/readyz") {
    const engine::Readiness readiness = engine_.readiness(loop_.now());
    return text(engine::is_ready(readiness) ? 200 : 503, engine::sentence_of(readiness));
  }
  if (path == "/metrics")
    return {200, metrics::k_content_type,
            metrics::render_metrics(identity_, engine_.summary(loop_.now()), recorder_,
                                    metrics::read_process_facts())};
  return text(404, "there is /metrics, /healthz and /readyz");
}

}  // namespace ray_gitops::app
