#pragma once
// Counts what the engine asks for and what it is answered: from the same effects and events that
// the adapters carry out and bring, so that an adapter need not know that it is counted.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "reconcilers/model/time.h"

namespace ray_gitops::metrics {

// Upper ends in seconds; what took longer than the last is counted beyond them.
inline constexpr std::array k_latency_bounds{0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                             0.5,   1.0,  2.5,   5.0,  10.0, 30.0};

struct Latencies {
  std::array<std::uint64_t, k_latency_bounds.size() + 1> counts{};  // not cumulative
  double sum = 0;                                                   // seconds

  void add(Duration time);
};

// "Ok", or the name of an ErrorCode.
using Outcome = std::string;

// What is asked, and of what: {"apply", "Pod"}. A head is asked about no type.
using Question = std::pair<std::string, std::string>;

// Of one kind of question: how often it was answered how, and how long that took.
struct Answers {
  std::map<std::pair<Question, Outcome>, std::uint64_t> counts;
  std::map<std::string, Latencies> latencies;  // by what is asked: "apply"
};

class Recorder {
 public:
  void on(const engine::Effect& effect, Now now);
  void on(const engine::Event& event, Now now);

  // Requests to the API server but watches: apply, create, replace, delete, get, list.
  const Answers& api() const { return api_; }
  const Answers& ray() const { return ray_; }
  // poll, fetch, read status, publish status.
  const Answers& git() const { return git_; }
  // Watches that ended, with the reason; a server ends each after some minutes (Unavailable).
  const std::map<std::pair<ResourceType, Outcome>, std::uint64_t>& watches_ended() const {
    return watches_ended_;
  }
  const std::map<ResourceType, std::uint64_t>& watch_events() const { return watch_events_; }
  const std::map<engine::LogLevel, std::uint64_t>& log_records() const { return log_records_; }
  std::optional<WallTime> last_poll() const { return last_poll_; }  // that was answered well

 private:
  struct Asked {
    Question question;
    Instant at;
  };

  template <class Key>
  using Pending = std::map<Key, Asked>;

  template <class Key>
  static void ask(Pending<Key>& pending, const Key& key, Question question, Now now);
  template <class Key>
  static void answer(Pending<Key>& pending, const Key& key, const Outcome& outcome, Now now,
                     Answers& answers);
  void answer_git(const char* operation, const Outcome& outcome, Now now);
  void end_watch(const engine::WatchEnded& ended, Now now);

  Answers api_;
  Answers ray_;
  Answers git_;
  std::map<std::pair<ResourceType, Outcome>, std::uint64_t> watches_ended_;
  std::map<ResourceType, std::uint64_t> watch_events_;
  std::map<engine::LogLevel, std::uint64_t> log_records_;
  std::optional<WallTime> last_poll_;
  // Bounded by what the engine has under way: each effect is answered by one event.
  Pending<std::uint64_t> writes_;
  Pending<ResourceKey> reads_;
  Pending<std::pair<ResourceType, std::string>> lists_;  // with their namespaces
  Pending<std::uint64_t> head_requests_;
  Pending<std::uint64_t> gcs_requests_;
  Pending<std::string> git_operations_;
};

}  // namespace ray_gitops::metrics
