#pragma once
// Ray heads as the engine sees them: requests in, answers out. Decides nothing.

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent/engine/effect.h"
#include "agent/engine/event.h"
#include "agent/loop/loop.h"
#include "agent/ray/head_tokens.h"

namespace ray_gitops::ray {

// Less than the loop's, so that heads that do not answer hold no write to the cluster back.
constexpr std::size_t k_requests_in_flight_max = 32;
constexpr std::size_t k_requests_waiting_max = 1'000;
// Measured, Ray 2.60. It answers reads within 0.1 s, the first one about Serve within 1 s; a
// submission within 10 s when it gives up waiting for its own agent; the first Serve configuration,
// for which it starts Serve, after 2.4 s.
constexpr Duration k_read_time_max{5'000};
constexpr Duration k_post_time_max{15'000};
// The answer about a job holds 20,000 characters of its log, up to 12 bytes each as JSON, and the
// submission.
constexpr std::size_t k_answer_bytes_max = 1024UL * 1024;
// The answer about Serve holds 2 KiB for each deployment and 0.5 KiB for each replica (seen).
constexpr std::size_t k_serve_answer_bytes_max = 4 * k_answer_bytes_max;

// Which way requests go to a head.
enum class RayAccess : std::uint8_t {
  Auto,           // by what is found to work, and then always
  PodIp,          // to the pod's address
  ApiserverProxy  // by the API server's proxy of the pod
};

struct RayClientOptions {
  std::string user_agent = "ray-gitops";  // with the version: "ray-gitops/0.1.0"
  Duration read_time_max = k_read_time_max;
  Duration post_time_max = k_post_time_max;
  RayAccess access = RayAccess::PodIp;
  SendToApiServer send_to_api_server;  // for all but PodIp
  HeadTokens* tokens = nullptr;        // for heads that ask for one; outlives the client
};

class RayClient {
 public:
  // `deliver` is called from the loop, never from within a member function of this class.
  RayClient(Loop& loop, RayClientOptions options, std::function<void(engine::Event)> deliver);
  ~RayClient();  // before the loop's end; delivers nothing
  RayClient(const RayClient&) = delete;
  RayClient& operator=(const RayClient&) = delete;

  // One RayAnswered each, as agent/engine/event.h says. Not sent, and Unavailable: what is for no
  // numeric address, and what finds k_requests_waiting_max waiting.
  void ask(const engine::AskRay& effect);

 private:
  struct Ask {
    engine::AskRay effect;
    Result<std::string> token;  // empty: the head asks for none
  };

  void wake();
  void start_waiting();
  void start(const Ask& ask);
  void send(const Ask& ask, RayAccess way, std::string tried);
  void take(const Ask& ask, RayAccess way, const std::string& tried,
            const Result<HttpResponse>& response);
  void choose(RayAccess way);
  void answer(std::uint64_t request_id, Result<RayReply> reply);
  Result<HttpRequest> prepare(const Ask& ask, RayAccess way) const;
  void queue(const engine::AskRay& effect, const Result<std::string>& token);

  Loop& loop_;
  RayClientOptions options_;
  std::function<void(engine::Event)> deliver_;
  std::deque<Ask> waiting_;
  std::set<TransferId> started_;  // to pods' addresses
  std::size_t in_flight_ = 0;     // both ways
  TimerId wake_timer_ = 0;
};

}  // namespace ray_gitops::ray
