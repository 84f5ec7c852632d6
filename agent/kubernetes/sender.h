#pragma once
// Sends API requests politely: with the connection's credentials, as many in flight as the server
// answers well, and not while it asked us to wait. What it refused for being busy (429) was not
// done: it is sent again.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>

#include "agent/kubernetes/connection.h"
#include "agent/kubernetes/requests.h"
#include "agent/kubernetes/window.h"
#include "agent/loop/loop.h"

namespace ray_gitops::kubernetes {

constexpr std::size_t k_requests_waiting_max = 20'000;
// A request that was refused so often for a busy server is answered with the last refusal.
constexpr int k_busy_refusals_max = 5;
// Of a request about the Lease: there is time for another try before it ends.
constexpr Duration k_lease_request_time_max{2'000};
// What a write is answered with that was not sent (Expired).
constexpr const char* k_lease_ended = "the Lease ended before this could be sent";
// A 429 without Retry-After.
constexpr Duration k_retry_after_default{1'000};
constexpr std::size_t k_object_bytes_max = 8UL * 1024 * 1024;
constexpr std::size_t k_list_page_bytes_max = 256UL * 1024 * 1024;

enum class RequestClass : std::uint8_t {
  Object,  // reads and writes of one object
  Lease,   // the same, before all others: a late one costs the leadership
  List,
  Watch  // long-lived: does not count as in flight
};

class Sender {
 public:
  Sender(Loop& loop, Connection connection, std::string user_agent);
  ~Sender();  // what is pending is dropped; no handler is called
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Never calls a handler before it returns. An unreadable token is Unauthenticated, a full queue
  // LimitExceeded, a Lease that ended Expired; none of them was sent. The rest is as in http.h.
  void send(ApiRequest request, RequestClass request_class, HttpHandlers handlers);

  // Looked at when a request leaves, however long it waited: a write goes out only in this epoch
  // and before `until`. Nor may it take longer than that to reach the server.
  void hold_lease(std::int64_t epoch, Instant until);

 private:
  struct Pending {
    ApiRequest request;
    RequestClass request_class = RequestClass::Object;
    HttpHandlers handlers;
    int busy_refusals = 0;
    Instant sent;
    std::size_t in_flight = 0;  // when it was sent, itself among them
  };

  // How long a write of this epoch may be under way; none for one that needs no Lease.
  std::optional<Duration> lease_left(std::int64_t epoch) const;
  void wake_after(Duration delay);
  void start_waiting();
  void start(Pending pending);
  void finish(TransferId id, Pending& pending, Result<HttpResponse> result);
  void note_answer(const Pending& pending, const Result<HttpResponse>& result);
  Result<HttpRequest> prepare(const Pending& pending);
  Result<std::string> current_token();

  Loop& loop_;
  Connection connection_;
  std::string user_agent_;
  std::deque<Pending> urgent_;
  std::deque<Pending> waiting_;
  std::set<TransferId> started_;
  std::size_t in_flight_ = 0;
  RequestWindow window_;
  Instant not_before_;
  std::int64_t lease_epoch_ = 0;
  Instant lease_until_;
  TimerId wake_timer_ = 0;
};

}  // namespace ray_gitops::kubernetes
