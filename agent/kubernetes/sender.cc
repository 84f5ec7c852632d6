#include "agent/kubernetes/sender.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "agent/log/log.h"

namespace ray_gitops::kubernetes {
namespace {

// Beyond the time after which the server ends a watch, there is no live server on the other side.
constexpr Duration k_watch_grace{15'000};

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.erase(last == std::string::npos ? 0 : last + 1);
  return text;
}

void log_request(const ApiRequest& request, const Result<HttpResponse>& result, Duration time) {
  log::write(log::Level::Debug, "API request",
             {{"method", request.method},
              {"target", request.target},
              {"status", result ? std::to_string(result->status) : describe(result.error())},
              {"milliseconds", std::to_string(time.count())}});
}

}  // namespace

Sender::Sender(Loop& loop, Connection connection, std::string user_agent)
    : loop_(loop), connection_(std::move(connection)), user_agent_(std::move(user_agent)) {}

Sender::~Sender() {
  loop_.cancel_timer(wake_timer_);
  for (const TransferId id : started_) loop_.cancel_transfer(id);
}

void Sender::send(ApiRequest request, RequestClass request_class, HttpHandlers handlers) {
  const bool urgent = request_class == RequestClass::Lease || request_class == RequestClass::Watch;
  Pending pending;
  pending.request = std::move(request);
  pending.request_class = request_class;
  pending.handlers = std::move(handlers);
  (urgent ? urgent_ : waiting_).push_back(std::move(pending));
  wake_after(Duration{0});
}

void Sender::hold_lease(std::int64_t epoch, Instant until) {
  lease_epoch_ = epoch;
  lease_until_ = until;
}

std::optional<Duration> Sender::lease_left(std::int64_t epoch) const {
  if (epoch == 0) return std::nullopt;
  if (epoch != lease_epoch_) return Duration{0};
  return lease_until_ - loop_.now().monotonic;
}

void Sender::wake_after(Duration delay) {
  loop_.cancel_timer(wake_timer_);
  wake_timer_ = loop_.add_timer(delay, [this] { start_waiting(); });
}

void Sender::start_waiting() {
  while (waiting_.size() > k_requests_waiting_max) {
    const Pending refused = std::move(waiting_.back());
    waiting_.pop_back();
    refused.handlers.on_done(fail(ErrorCode::LimitExceeded, "too many requests wait to be sent"));
  }
  const Duration pause = not_before_ - loop_.now().monotonic;
  if (pause.count() > 0) {
    if (!urgent_.empty() || !waiting_.empty()) wake_after(pause);
    return;
  }
  while (!urgent_.empty() || (!waiting_.empty() && in_flight_ < window_.size())) {
    std::deque<Pending>& queue = urgent_.empty() ? waiting_ : urgent_;
    Pending next = std::move(queue.front());
    queue.pop_front();
    start(std::move(next));
  }
}

void Sender::start(Pending pending) {
  auto prepared = prepare(pending);
  if (!prepared) return pending.handlers.on_done(tl::unexpected<Error>(prepared.error()));
  if (pending.request_class != RequestClass::Watch) ++in_flight_;
  pending.sent = loop_.now().monotonic;
  pending.in_flight = in_flight_;
  const auto id = std::make_shared<TransferId>(0);
  const auto kept = std::make_shared<Pending>(std::move(pending));
  HttpHandlers handlers;
  handlers.on_data = kept->handlers.on_data;
  handlers.on_done = [this, id, kept](Result<HttpResponse> result) {
    log_request(kept->request, result, loop_.now().monotonic - kept->sent);
    finish(*id, *kept, std::move(result));
  };
  *id = loop_.start_transfer(std::move(*prepared), std::move(handlers));
  started_.insert(*id);
}

void Sender::finish(TransferId id, Pending& pending, Result<HttpResponse> result) {
  started_.erase(id);
  if (pending.request_class != RequestClass::Watch) --in_flight_;
  note_answer(pending, result);
  const bool refills_first = pending.request_class == RequestClass::Object;
  const bool again = result && result->status == 429 && refills_first &&
                     pending.busy_refusals < k_busy_refusals_max;
  std::function<void(Result<HttpResponse>)> on_done;
  if (again) {
    ++pending.busy_refusals;
    waiting_.push_front(std::move(pending));
  } else {
    on_done = std::move(pending.handlers.on_done);
  }
  // Of a window that is filled up after a whole batch of answers it would be said that it was not
  // full. What the Lease's answer says counts for what is sent next, and a list takes its time.
  if (refills_first)
    start_waiting();
  else
    wake_after(Duration{0});
  if (on_done) on_done(std::move(result));
}

// What the server says of itself: when to ask again, and how much at once.
void Sender::note_answer(const Pending& pending, const Result<HttpResponse>& result) {
  const Instant now = loop_.now().monotonic;
  if (result) {
    auto pause = parse_retry_after(*result);
    if (!pause && result->status == 429) pause = k_retry_after_default;
    if (pause) not_before_ = std::max(not_before_, now + *pause);
  }
  if (pending.request_class != RequestClass::Object) return;
  const bool busy = !result || result->status == 429 || result->status >= 500;
  window_.answered(busy ? Answer::Busy : Answer::Good, pending.sent, pending.in_flight, now);
}

Result<std::string> Sender::current_token() {
  if (connection_.token_file.empty()) return connection_.token;
  // Read each time: the file is replaced while we run, long before the token in it expires.
  auto content = read_small_file(connection_.token_file);
  if (content) connection_.token = trimmed(std::move(*content));
  if (!connection_.token.empty()) return connection_.token;
  return fail(ErrorCode::Unauthenticated, "the token file cannot be read", connection_.token_file);
}

Result<HttpRequest> Sender::prepare(const Pending& pending) {
  const bool is_watch = pending.request_class == RequestClass::Watch;
  HttpRequest request;
  request.method = pending.request.method;
  request.url = connection_.server + pending.request.target;
  request.body = pending.request.body;
  request.tls = connection_.tls;
  request.proxy = connection_.proxy;
  request.no_proxy = connection_.no_proxy;
  request.long_lived = is_watch;
  request.deadline = is_watch ? k_watch_time + k_watch_grace : pending.request.time_max;
  if (pending.request_class == RequestClass::Lease) request.deadline = k_lease_request_time_max;
  if (const auto left = lease_left(pending.request.lease_epoch)) {
    if (left->count() <= 0) return fail(ErrorCode::Expired, k_lease_ended);
    request.deadline = std::min(request.deadline, *left);
  }
  request.response_bytes_max =
      pending.request_class == RequestClass::List ? k_list_page_bytes_max : k_object_bytes_max;
  request.headers = pending.request.headers;
  request.headers["Accept"] = "application/json";
  request.headers["User-Agent"] = user_agent_;
  if (!pending.request.content_type.empty())
    request.headers["Content-Type"] = pending.request.content_type;
  const std::string token = TRY(current_token());
  if (!token.empty()) request.headers["Authorization"] = "Bearer " + token;
  return request;
}

}  // namespace ray_gitops::kubernetes
