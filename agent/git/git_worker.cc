#include "agent/git/git_worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include <sys/wait.h>
#include <unistd.h>

#include "agent/git/child.h"
#include "agent/git/memory.h"
#include "agent/log/log.h"

namespace ray_gitops::git {
namespace {

using Answered = std::function<void(Result<Answer>)>;

// Read from a pipe at once, before others get their turn.
constexpr std::size_t k_read_bytes = 64UL * 1024;

struct Waiting {
  std::string frame;
  Answered answered;
};

Error how_it_ended(int status, const GitWorkerOptions& options, const std::string& url) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    return {ErrorCode::Unavailable,
            "the Git server made no progress for " +
                std::to_string(options.server_silence_max.count()) + " ms",
            url};
  if (WIFSIGNALED(status))
    return {ErrorCode::Unavailable,
            "the Git child was ended by signal " + std::to_string(WTERMSIG(status)), url};
  if (WEXITSTATUS(status) == k_exit_out_of_memory)
    return {ErrorCode::LimitExceeded,
            "the repository needs more memory than the Git child may have", url};
  return {ErrorCode::Unavailable,
          "the Git child ended with code " + std::to_string(WEXITSTATUS(status)), url};
}

// Appends what can be read now. False when nothing will come any more.
bool read_available(int fd, std::string& text) {
  std::array<char, k_read_bytes> bytes;
  const ssize_t count = read(fd, bytes.data(), bytes.size());
  if (count > 0) text.append(bytes.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

}  // namespace

// Handlers hold it weakly, and strongly while they run: an answer may destroy the GitWorker.
class GitWorker::State : public std::enable_shared_from_this<State> {
  template <class... Arguments>
  auto guarded(void (State::*member)(Arguments...)) {
    return [weak = weak_from_this(), member](Arguments... arguments) {
      if (const auto self = weak.lock()) ((*self).*member)(arguments...);
    };
  }

 public:
  State(Loop& loop, GitWorkerOptions options)
      : loop_(loop), options_(std::move(options)), shown_url_(log::redact(options_.url)) {}

  void enqueue(Request request, Answered answered) {
    if (waiting_.size() >= k_requests_waiting_max)
      return refuse(std::move(answered), "too many requests wait for the Git child");
    const Remote remote{options_.url, options_.cache_directory, options_.credentials,
                        options_.certificate_authority_file, options_.server_silence_max};
    std::string frame = encode_job({remote, std::move(request)});
    if (frame.size() > k_frame_bytes_max)
      return refuse(std::move(answered), "the request is too large for the Git child");
    waiting_.push_back({std::move(frame), std::move(answered)});
    loop_.add_timer(Duration{0}, guarded(&State::start_next));
  }

  void shut_down() {
    waiting_.clear();
    if (child_) kill_child();
  }

 private:
  enum class Phase : std::uint8_t {
    None,   // there is no child
    Idle,   // it waits for a request
    Busy,   // it has one: `active_`
    Ending  // it was killed and is not gone yet
  };

  void refuse(Answered answered, const char* message) {
    loop_.add_timer(Duration{0},
                    [weak = weak_from_this(), answered = std::move(answered), message] {
                      if (const auto self = weak.lock())
                        answered(fail(ErrorCode::LimitExceeded, message, self->shown_url_));
                    });
  }

  void start_next() {
    if (waiting_.empty() || pausing_ || phase_ == Phase::Busy || phase_ == Phase::Ending) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    active_ = std::move(next.answered);
    if (phase_ == Phase::None) {
      if (auto started = start_child(); !started) {
        pause();
        return answer(tl::unexpected(std::move(started).error()));
      }
    }
    phase_ = Phase::Busy;
    to_send_ = std::move(next.frame);
    sent_ = 0;
    loop_.watch_fd(child_->input.get(), {.readable = false, .writable = true},
                   guarded(&State::on_writable));
    deadline_ = loop_.add_timer(options_.request_time_max, guarded(&State::on_deadline));
  }

  Result<void> start_child() {
    child_ = TRY(spawn_child(options_.command));
    if (auto watched = loop_.watch_child(child_->pid, guarded(&State::on_child_end)); !watched) {
      child_.reset();
      return watched;
    }
    phase_ = Phase::Idle;
    loop_.watch_fd(child_->output.get(), {.readable = true, .writable = false},
                   guarded(&State::on_readable));
    loop_.watch_fd(child_->errors.get(), {.readable = true, .writable = false},
                   guarded(&State::on_error_text));
    return {};
  }

  void on_writable(FdReady) {
    const ssize_t count =
        write(child_->input.get(), to_send_.data() + sent_, to_send_.size() - sent_);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count > 0) sent_ += static_cast<std::size_t>(count);
    if (count > 0 && sent_ < to_send_.size()) return;
    // Sent; or the child is gone, and its end will be told.
    loop_.unwatch_fd(child_->input.get());
    to_send_ = {};
  }

  void on_readable(FdReady) {
    if (!read_available(child_->output.get(), received_)) loop_.unwatch_fd(child_->output.get());
    take_answer();
    start_next();
  }

  void take_answer() {
    if (received_.size() < k_frame_length_bytes) return;
    const auto length = decode_frame_length(received_);
    const std::size_t size = k_frame_length_bytes + length.value_or(0);
    if (!length || phase_ != Phase::Busy || !to_send_.empty() || received_.size() > size)
      return give_up("the Git child does not keep to its protocol");
    received_.reserve(size);
    if (received_.size() < size) return;
    const std::string frame = std::exchange(received_, {});
    loop_.cancel_timer(deadline_);
    phase_ = Phase::Idle;
    next_pause_ = k_restart_pause_min;
    answer(decode_answer(std::string_view(frame).substr(k_frame_length_bytes)));
  }

  void on_deadline() {
    give_up("no answer within " + std::to_string(options_.request_time_max.count()) + " ms");
  }

  // Kills the child; nothing new is asked before it is gone.
  void give_up(const std::string& reason) {
    loop_.cancel_timer(deadline_);
    kill_child();
    log::write(log::Level::Warning, "the Git child was killed", {{"reason", reason}});
    if (active_) answer(fail(ErrorCode::Unavailable, reason, shown_url_));
  }

  void on_child_end(int status) {
    child_->pid = -1;
    // It may have ended right after a whole answer.
    std::size_t before = 0;
    do {
      before = received_.size();
    } while (read_available(child_->output.get(), received_) && received_.size() > before);
    if (phase_ == Phase::Busy) take_answer();
    on_error_text({});
    const bool in_the_middle = phase_ != Phase::Idle;
    Error reason = how_it_ended(status, options_, shown_url_);
    loop_.cancel_timer(deadline_);
    unwatch_child();
    child_.reset();
    phase_ = Phase::None;
    if (in_the_middle) pause();
    log::write(log::Level::Warning, "the Git child ended", {{"reason", reason.message}});
    if (active_) answer(tl::unexpected(std::move(reason)));
    start_next();
  }

  void pause() {
    pausing_ = true;
    loop_.add_timer(next_pause_, guarded(&State::on_pause_end));
    next_pause_ = std::min(next_pause_ * 2, k_restart_pause_max);
  }

  void on_pause_end() {
    pausing_ = false;
    start_next();
  }

  void on_error_text(FdReady) {
    if (!read_available(child_->errors.get(), error_text_)) loop_.unwatch_fd(child_->errors.get());
    for (std::size_t end = error_text_.find('\n');
         end != std::string::npos || error_text_.size() > k_error_line_bytes_max;
         end = error_text_.find('\n')) {
      const std::string line = error_text_.substr(0, std::min(end, k_error_line_bytes_max));
      error_text_.erase(0, end == line.size() ? end + 1 : line.size());
      log::write(log::Level::Warning, "the Git child says", {{"text", line}});
    }
  }

  void answer(Result<Answer> result) {
    const Answered answered = std::exchange(active_, nullptr);
    answered(std::move(result));
  }

  void kill_child() {
    if (child_->pid > 0) kill(child_->pid, SIGKILL);
    unwatch_child();
    phase_ = Phase::Ending;
  }

  void unwatch_child() {
    for (const Descriptor* end : {&child_->input, &child_->output, &child_->errors})
      loop_.unwatch_fd(end->get());
    to_send_ = {};
    received_ = {};
    error_text_ = {};
  }

  Loop& loop_;
  GitWorkerOptions options_;
  std::string shown_url_;
  std::deque<Waiting> waiting_;
  Answered active_;  // set while a request is with the child
  Phase phase_ = Phase::None;
  std::optional<Child> child_;
  std::string to_send_;
  std::size_t sent_ = 0;
  std::string received_;
  std::string error_text_;
  TimerId deadline_ = 0;
  bool pausing_ = false;
  Duration next_pause_ = k_restart_pause_min;
};

GitWorker::GitWorker(Loop& loop, GitWorkerOptions options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}

GitWorker::~GitWorker() { state_->shut_down(); }

void GitWorker::enqueue(Request request, std::function<void(Result<Answer>)> answered) {
  state_->enqueue(std::move(request), std::move(answered));
}

}  // namespace ray_gitops::git
