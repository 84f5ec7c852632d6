#pragma once
// The agent's Git client: a resident child process (run_git_worker.h) that does one request at a
// time. libgit2 cannot be interrupted and reads what strangers pushed, so it is kept where it can
// be killed. Loop thread only.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/git/protocol.h"
#include "agent/loop/loop.h"
#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::git {

// From the moment a request is given to the child until its answer is complete.
constexpr Duration k_request_time_max{120'000};
// A server that does not get on with its answer for so long is given up.
constexpr Duration k_server_silence_max{20'000};
// Requests waiting for their turn. The engine has at most one of each kind.
constexpr std::size_t k_requests_waiting_max = 16;
// Pause before a new child after one ended in the middle of a request; doubles up to the second.
constexpr Duration k_restart_pause_min{200};
constexpr Duration k_restart_pause_max{30'000};
// Of one line on the child's standard error, which goes to the log.
constexpr std::size_t k_error_line_bytes_max = 1024;

struct GitWorkerOptions {
  std::vector<std::string> command;  // what is run: this program and the hidden command
  std::string url;
  std::string cache_directory;
  CredentialSource credentials = {};
  std::string certificate_authority_file = {};  // PEM; empty: the machine's authorities
  Duration request_time_max = k_request_time_max;
  Duration server_silence_max = k_server_silence_max;
};

class GitWorker {
 public:
  // Starts nothing: the child comes with the first request.
  GitWorker(Loop& loop, GitWorkerOptions options);
  // Kills the child. What was not answered is dropped.
  ~GitWorker();
  GitWorker(const GitWorker&) = delete;
  GitWorker& operator=(const GitWorker&) = delete;

  // Queues one request; `answered` is called once, from the loop, never before this returns. Beside
  // the errors of the request itself: Unavailable when the child ended, was late or cannot be
  // started (a publish may then have happened), LimitExceeded when too many wait or it is too
  // large.
  template <class R>
  void submit(R request, std::function<void(Result<typename R::Answer>)> answered) {
    enqueue(std::move(request), [answered = std::move(answered)](Result<Answer> answer) {
      if (!answer) return answered(tl::unexpected(std::move(answer).error()));
      if (auto* value = std::get_if<typename R::Answer>(&*answer))
        return answered(std::move(*value));
      answered(fail(ErrorCode::Unavailable, "the Git child answered another question"));
    });
  }

 private:
  class State;
  void enqueue(Request request, std::function<void(Result<Answer>)> answered);

  std::shared_ptr<State> state_;
};

}  // namespace ray_gitops::git
