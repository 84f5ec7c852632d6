#include "agent/app/runtime.h"

#include <csignal>
#include <utility>
#include <variant>

#include "agent/log/log.h"

namespace ray_gitops::app {
namespace {

template <class... Handlers>
struct Overload : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overload(Handlers...) -> Overload<Handlers...>;

log::Level level_of(engine::LogLevel level) {
  switch (level) {
    case engine::LogLevel::Debug:
      return log::Level::Debug;
    case engine::LogLevel::Info:
      return log::Level::Info;
    case engine::LogLevel::Warning:
      return log::Level::Warning;
    case engine::LogLevel::Error:
      return log::Level::Error;
  }
  return log::Level::Error;
}

// Not what a converged agent goes on doing.
bool is_work(const engine::Event& event) {
  return std::holds_alternative<engine::ListCompleted>(event) ||
         std::holds_alternative<engine::CommitLoaded>(event) ||
         std::holds_alternative<engine::StatusLoaded>(event) ||
         std::holds_alternative<engine::StatusPublished>(event) ||
         std::holds_alternative<engine::WatchChanged>(event);
}

}  // namespace

Runtime::Runtime(RuntimeOptions options)
    : identity_{options.engine.agent_id, options.engine.version},
      engine_(std::move(options.engine)),
      worker_(loop_, std::move(options.git)),
      source_(worker_, std::move(options.source),
              [this](engine::Event event) { deliver(std::move(event)); }),
      report_(loop_, worker_, std::move(options.report),
              [this](engine::Event event) { deliver(std::move(event)); }),
      kubernetes_(loop_, options.kubernetes,
                  [this](engine::Event event) { deliver(std::move(event)); }),
      head_access_(loop_, options.kubernetes),
      ray_(loop_, head_access_.with_access(std::move(options.ray)),
           [this](engine::Event event) { deliver(std::move(event)); }),
      gcs_(loop_, head_access_.with_access(std::move(options.gcs)),
           [this](const engine::GcsAnswered& event) { deliver(event); }),
      metrics_address_(std::move(options.metrics_address)) {}

Result<void> Runtime::listen() {
  if (metrics_address_.empty()) return {};
  return monitor_.emplace(loop_, engine_, identity_).listen(metrics_address_);
}

int Runtime::run() {
  loop_.watch_signals({SIGTERM, SIGINT, SIGUSR1}, [this](int signal) {
    if (signal == SIGUSR1)
      deliver(engine::Wake{});
    else
      deliver(engine::StopRequested{});
  });
  schedule_tick();
  loop_.run();
  return exit_code_.value_or(0);
}

void Runtime::deliver(engine::Event event) {
  if (is_work(event)) memory_.note_work();
  if (monitor_) monitor_->on(event);
  carry_out(engine_.step(std::move(event), loop_.now()));
  schedule_tick();
}

// A Tick follows the events of one turn of the loop, so that what arrives together is decided
// together.
void Runtime::schedule_tick() {
  loop_.cancel_timer(tick_);
  const engine::Deadline due = engine_.next_deadline();
  if (!due || exit_code_) return;
  tick_ = loop_.add_timer(*due - loop_.now().monotonic, [this] { deliver(engine::Tick{}); });
}

void Runtime::carry_out(engine::Effects effects) {
  for (engine::Effect& effect : effects) {
    if (monitor_) monitor_->on(effect);
    std::visit(Overload{
                   [&](const engine::ListRemote& list) { source_.list_remote(list); },
                   [&](const engine::LoadCommit& load) { source_.load_commit(load); },
                   [&](const engine::LoadStatus& load) { report_.load_status(load); },
                   [&](const engine::PublishStatus& publish) { report_.publish_status(publish); },
                   [&](const engine::StartList& list) { kubernetes_.start_list(list); },
                   [&](const engine::StartWatch& watch) { kubernetes_.start_watch(watch); },
                   [&](const engine::HoldLease& lease) { kubernetes_.hold_lease(lease); },
                   [&](const engine::SendWrite& write) { kubernetes_.send_write(write); },
                   [&](const engine::SendRead& read) { kubernetes_.send_read(read); },
                   [&](const engine::AskRay& ask) { ray_.ask(ask); },
                   [&](const engine::AskGcs& ask) { gcs_.ask(ask); },
                   [&](const engine::WriteLog& record) {
                     log::write(level_of(record.level), record.message, record.fields);
                   },
                   [&](const engine::Exit& exit) {
                     const auto level = exit.code == 0 ? log::Level::Info : log::Level::Error;
                     log::write(level, "agent ends", {{"reason", exit.reason}});
                     exit_code_ = exit.code;
                     loop_.stop();
                   },
               },
               effect);
  }
}

}  // namespace ray_gitops::app
