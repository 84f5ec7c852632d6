#include "agent/ray/client.h"

#include <memory>
#include <utility>

#include "agent/log/log.h"
#include "agent/ray/answers.h"
#include "agent/ray/requests.h"

namespace ray_gitops::ray {
namespace {

void log_request(const RayRequest& request, const Result<HttpResponse>& response, Duration time) {
  log::write(
      log::Level::Debug, "Ray request",
      {{"request", name_of(request.verb)},
       {"address", request.address},
       request.cluster.empty() ? log::Fields::value_type{"submissionId", request.submission_id}
                               : log::Fields::value_type{"cluster", request.cluster},
       {"status", response ? std::to_string(response->status) : describe(response.error())},
       {"milliseconds", std::to_string(time.count())}});
}

Result<RayReply> reply_to(const RayRequest& request, const Result<HttpResponse>& response) {
  if (response) return parse_reply(request, *response);
  return fail(ErrorCode::Unavailable, response.error().message, request.address);
}

}  // namespace

RayClient::RayClient(Loop& loop, RayClientOptions options,
                     std::function<void(engine::Event)> deliver)
    : loop_(loop), options_(std::move(options)), deliver_(std::move(deliver)) {}

RayClient::~RayClient() {
  loop_.cancel_timer(wake_timer_);
  for (const TransferId id : started_) loop_.cancel_transfer(id);
}

void RayClient::ask(const engine::AskRay& effect) {
  waiting_.push_back(effect);
  wake();
}

void RayClient::wake() {
  loop_.cancel_timer(wake_timer_);
  wake_timer_ = loop_.add_timer(Duration{0}, [this] { start_waiting(); });
}

void RayClient::start_waiting() {
  while (!waiting_.empty() && started_.size() < k_requests_in_flight_max) {
    const engine::AskRay next = std::move(waiting_.front());
    waiting_.pop_front();
    start(next);
  }
  while (waiting_.size() > k_requests_waiting_max) {
    const std::uint64_t refused = waiting_.back().request_id;
    waiting_.pop_back();
    answer(refused, fail(ErrorCode::Unavailable, "too many requests wait to be sent to Ray heads"));
  }
}

void RayClient::start(const engine::AskRay& effect) {
  Result<HttpRequest> prepared = prepare(effect.request);
  if (!prepared)
    return answer(effect.request_id, fail(ErrorCode::Unavailable, describe(prepared.error())));
  const Instant started_at = loop_.now().monotonic;
  const auto id = std::make_shared<TransferId>(0);
  HttpHandlers handlers;
  handlers.on_done = [this, id, started_at, effect](const Result<HttpResponse>& response) {
    log_request(effect.request, response, loop_.now().monotonic - started_at);
    started_.erase(*id);
    wake();
    answer(effect.request_id, reply_to(effect.request, response));
  };
  *id = loop_.start_transfer(std::move(*prepared), std::move(handlers));
  started_.insert(*id);
}

void RayClient::answer(std::uint64_t request_id, Result<RayReply> reply) {
  deliver_(engine::RayAnswered{request_id, std::move(reply)});
}

Result<HttpRequest> RayClient::prepare(const RayRequest& request) const {
  HttpRequest prepared = TRY(render_request(request));
  prepared.headers["User-Agent"] = options_.user_agent;
  prepared.deadline = prepared.method == "GET" ? options_.read_time_max : options_.post_time_max;
  prepared.response_bytes_max =
      request.verb == RayVerb::GetServe ? k_serve_answer_bytes_max : k_answer_bytes_max;
  return prepared;
}

}  // namespace ray_gitops::ray
