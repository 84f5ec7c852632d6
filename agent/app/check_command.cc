#include "agent/app/check_command.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/runtime_options.h"
#include "agent/app/version.h"
#include "agent/kubernetes/access.h"
#include "agent/kubernetes/sender.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::app {
namespace {

using kubernetes::AccessNeed;

constexpr Duration k_time_max = std::chrono::seconds(30);

// Asks the server about all needs at once.
class CheckRun {
 public:
  CheckRun(kubernetes::Connection connection, std::vector<AccessNeed> needs)
      : sender_(loop_, std::move(connection), std::string("ray-gitops/") + k_version),
        needs_(std::move(needs)),
        refused_(needs_.size()) {}

  // Why it does not know.
  std::optional<Error> run() {
    loop_.watch_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) {
      end(Error{ErrorCode::Unavailable, "it was interrupted", ""});
    });
    loop_.add_timer(k_time_max, [this] {
      end(Error{ErrorCode::Unavailable, "no answer within 30 s from the API server", ""});
    });
    ask(kubernetes::render_version(), [this](const HttpResponse& response) -> Result<void> {
      version_ = TRY(kubernetes::parse_version(response));
      return {};
    });
    for (std::size_t index = 0; index < needs_.size(); ++index)
      for (const std::string& verb : needs_[index].verbs) ask_whether(index, verb);
    loop_.run();
    return error_;
  }

  const std::string& version() const { return version_; }
  const std::vector<AccessNeed>& needs() const { return needs_; }
  // Verbs that are refused, in the need's order, whichever answer came first.
  std::vector<std::string> refused(std::size_t index) const {
    std::vector<std::string> verbs;
    for (const std::string& verb : needs_[index].verbs)
      if (refused_[index].contains(verb)) verbs.push_back(verb);
    return verbs;
  }

 private:
  void ask_whether(std::size_t index, const std::string& verb) {
    ask(kubernetes::render_access_review(needs_[index], verb),
        [this, index, verb](const HttpResponse& response) -> Result<void> {
          if (!TRY(kubernetes::parse_access_review(response))) refused_[index].insert(verb);
          return {};
        });
  }

  void ask(kubernetes::ApiRequest request, std::function<Result<void>(const HttpResponse&)> take) {
    ++waiting_;
    HttpHandlers handlers;
    handlers.on_done = [this, take = std::move(take)](Result<HttpResponse> response) {
      const Result<void> taken =
          response ? take(*response) : tl::unexpected(std::move(response.error()));
      if (!taken) return end(taken.error());
      if (--waiting_ == 0) loop_.stop();
    };
    sender_.send(std::move(request), kubernetes::RequestClass::Object, std::move(handlers));
  }

  void end(Error error) {
    if (!error_) error_ = std::move(error);
    loop_.stop();
  }

  Loop loop_;
  kubernetes::Sender sender_;
  std::vector<AccessNeed> needs_;
  std::vector<std::set<std::string>> refused_;
  std::string version_;
  std::size_t waiting_ = 0;
  std::optional<Error> error_;
};

// What does not work without these verbs.
std::string effect_of(const AccessNeed& need, const std::vector<std::string>& refused) {
  for (const char* verb : {"list", "watch"})
    if (std::find(refused.begin(), refused.end(), verb) != refused.end())
      return "nothing in Git is acted on";
  return need.purpose;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const char* next_step(const Error& error) {
  if (error.code == ErrorCode::Unauthenticated)
    return "the server does not know this identity: look at its token or certificate";
  return "is the cluster running, and can it be reached from here?";
}

// How many rights are missing.
std::size_t print_needs(const CheckRun& run) {
  std::size_t missing = 0;
  for (std::size_t index = 0; index < run.needs().size(); ++index) {
    const AccessNeed& need = run.needs()[index];
    const std::vector<std::string> refused = run.refused(index);
    missing += refused.size();
    if (refused.empty())
      std::printf("yes  %s %s\n", joined(need.verbs).c_str(), to_string(need).c_str());
    else
      std::printf("NO   %s %s: %s\n", joined(refused).c_str(), to_string(need).c_str(),
                  effect_of(need, refused).c_str());
  }
  return missing;
}

}  // namespace

int run_check(const cli::CheckCommand& command) {
  log::configure(log::Level::Error, log::Format::Human);
  const Result<AgentConfig> config = load_config(command.config);
  if (!config) {
    complain(config.error(), "see docs/agent.md for what it may hold");
    return cli::k_exit_usage;
  }
  Result<kubernetes::Connection> connection = connect_to_cluster(*config);
  if (!connection) return complain(connection.error(), k_connect_hint);
  const std::string server = connection->server;
  const bool through_api_server = config->ray_access == AgentConfig::RayAccess::ApiserverProxy;
  CheckRun run(std::move(*connection),
               kubernetes::needed_access({.agent_ns = config->agent_namespace,
                                          .namespaces = config->namespaces,
                                          .companions = config->companions,
                                          .through_api_server = through_api_server}));
  const std::optional<Error> error = run.run();
  if (error && error->code == ErrorCode::NotFound) {
    std::printf("%s does not tell rights: the local cluster gives its user all of them\n",
                printable(server).c_str());
    return cli::k_exit_ok;
  }
  if (error) return complain(*error, next_step(*error));
  std::printf("%s, Kubernetes %s\n", printable(server).c_str(), printable(run.version()).c_str());
  const std::size_t missing = print_needs(run);
  if (missing == 0) return cli::k_exit_ok;
  std::printf("%zu rights are missing; deploy/kustomize/rights.yaml has them all\n", missing);
  return cli::k_exit_failed;
}

}  // namespace ray_gitops::app
