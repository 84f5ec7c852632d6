#pragma once
// The GCS of Ray heads as the engine sees it: calls in, answers out. Decides nothing.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/loop/loop.h"
#include "agent/ray/head_tokens.h"

namespace ray_gitops::ray {

// With those of RayClient less than the loop's, so that heads that do not answer hold no write to
// the cluster back.
constexpr std::size_t k_calls_in_flight_max = 16;
// Of these, to heads that did not answer their last call: they hold no other head's calls up.
constexpr std::size_t k_calls_to_silent_heads_max = 4;
constexpr std::size_t k_calls_waiting_max = 2'000;
// Answers take milliseconds (measured, Ray 2.60). A drain is passed on to the node's raylet, for
// which Ray's own clients wait 10 s.
constexpr Duration k_call_time_max{5'000};
constexpr Duration k_drain_time_max{10'000};
// A node takes 0.5 KiB (seen), the dead among them, of which Ray keeps thousands.
constexpr std::size_t k_gcs_answer_bytes_max = 16UL * 1024 * 1024;
// A head that does not answer is left alone: for a second, then for longer and longer (as gRPC's
// "Connection Backoff Protocol" does).
constexpr Duration k_silence_pause{1'000};
constexpr Duration k_silence_pause_max{30'000};
// Heads whose silence is remembered; of more, those are forgotten that may be asked again first.
constexpr std::size_t k_silent_heads_max = 1'000;

struct GcsClientOptions {
  std::string user_agent = "ray-gitops";  // with the version: "ray-gitops/0.1.0"
  Duration call_time_max = k_call_time_max;
  Duration drain_time_max = k_drain_time_max;
  Duration silence_pause = k_silence_pause;
  std::size_t answer_bytes_max = k_gcs_answer_bytes_max;
  HeadTokens* tokens = nullptr;  // for heads that ask for one; outlives the client
};

class GcsClient {
 public:
  // `deliver` is called from the loop, never from within a member function of this class.
  GcsClient(Loop& loop, GcsClientOptions options,
            std::function<void(const engine::GcsAnswered&)> deliver);
  ~GcsClient();  // before the loop's end; delivers nothing
  GcsClient(const GcsClient&) = delete;
  GcsClient& operator=(const GcsClient&) = delete;

  // One GcsAnswered each, as agent/engine/event.h says. Not sent, and Unavailable: what is for a
  // head that is left alone, and what finds k_calls_waiting_max waiting.
  void ask(const engine::AskGcs& effect);

 private:
  struct Silence {
    int count = 0;  // calls in a row
    Instant ask_again_at;
  };

  struct Call {
    engine::AskGcs effect;
    Result<std::string> token;  // empty: the head asks for none
  };

  void queue(const engine::AskGcs& effect, const Result<std::string>& token);
  void wake();
  void start_waiting();
  // False: it has to wait.
  bool start_or_refuse(const Call& call);
  void start(const Call& call, bool is_silent);
  void take(const engine::AskGcs& effect, Result<GcsReply> reply);
  void finish(const engine::AskGcs& effect, Result<GcsReply> reply);
  void remember_silence(const std::string& head_uid);
  Result<HttpRequest> prepare(const Call& call) const;

  Loop& loop_;
  GcsClientOptions options_;
  std::function<void(const engine::GcsAnswered&)> deliver_;
  std::deque<Call> waiting_;
  std::map<TransferId, bool> started_;       // true: to a silent head
  std::map<std::string, Silence> silences_;  // by the head's uid
  TimerId wake_timer_ = 0;
};

}  // namespace ray_gitops::ray
