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

ResourceKey secret_of(const RayRequest& request) {
  return {ResourceType::Secret, request.head_pod.ns, request.token_secret};
}

bool is_refused(const HttpResponse& response) {
  return response.status == 401 || response.status == 403;
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
  const ResourceKey secret = secret_of(effect.request);
  if (secret.name.empty()) return queue(effect, std::string{});
  if (options_.tokens == nullptr)
    return queue(effect, fail(ErrorCode::Unauthenticated, "the head asks for a token"));
  options_.tokens->find(secret,
                        [this, effect](const Result<std::string>& token) { queue(effect, token); });
}

void RayClient::queue(const engine::AskRay& effect, const Result<std::string>& token) {
  waiting_.push_back({effect, token});
  wake();
}

void RayClient::wake() {
  loop_.cancel_timer(wake_timer_);
  wake_timer_ = loop_.add_timer(Duration{0}, [this] { start_waiting(); });
}

void RayClient::start_waiting() {
  while (!waiting_.empty() && in_flight_ < k_requests_in_flight_max) {
    const Ask next = std::move(waiting_.front());
    waiting_.pop_front();
    start(next);
  }
  while (waiting_.size() > k_requests_waiting_max) {
    const std::uint64_t refused = waiting_.back().effect.request_id;
    waiting_.pop_back();
    answer(refused, fail(ErrorCode::Unavailable, "too many requests wait to be sent to Ray heads"));
  }
}

void RayClient::start(const Ask& ask) {
  ++in_flight_;
  const bool by_proxy = options_.access == RayAccess::ApiserverProxy;
  send(ask, by_proxy ? RayAccess::ApiserverProxy : RayAccess::PodIp, {});
}

// `tried`: why the other way did not lead there.
void RayClient::send(const Ask& ask, RayAccess way, std::string tried) {
  Result<HttpRequest> prepared = prepare(ask, way);
  if (!prepared) {
    --in_flight_;
    wake();
    return answer(ask.effect.request_id, fail(ErrorCode::Unavailable, describe(prepared.error())));
  }
  const Instant started_at = loop_.now().monotonic;
  const auto id = std::make_shared<TransferId>(0);
  HttpHandlers handlers;
  handlers.on_done = [this, id, started_at, ask, way,
                      tried = std::move(tried)](const Result<HttpResponse>& response) {
    log_request(ask.effect.request, response, loop_.now().monotonic - started_at);
    started_.erase(*id);
    take(ask, way, tried, response);
  };
  if (way == RayAccess::ApiserverProxy)
    return options_.send_to_api_server(std::move(*prepared), std::move(handlers));
  *id = loop_.start_transfer(std::move(*prepared), std::move(handlers));
  started_.insert(*id);
}

void RayClient::take(const Ask& ask, RayAccess way, const std::string& tried,
                     const Result<HttpResponse>& response) {
  const engine::AskRay& effect = ask.effect;
  const std::string obstacle =
      way == RayAccess::ApiserverProxy && response ? proxy_failure(*response) : std::string{};
  const bool arrived = response && obstacle.empty();
  const bool undecided = options_.access == RayAccess::Auto;
  // A write is not sent twice: it may have arrived.
  if (undecided && !arrived && way == RayAccess::PodIp && !is_write(effect.request.verb))
    return send(ask, RayAccess::ApiserverProxy, response.error().message);
  if (undecided && arrived) choose(way);
  if (arrived && options_.tokens != nullptr && is_refused(*response))
    options_.tokens->forget(secret_of(effect.request));
  --in_flight_;
  wake();
  if (arrived || tried.empty())
    return answer(effect.request_id, obstacle.empty() ? reply_to(effect.request, response)
                                                      : fail(ErrorCode::Unavailable, obstacle,
                                                             effect.request.address));
  const std::string& other = obstacle.empty() ? response.error().message : obstacle;
  answer(effect.request_id,
         fail(ErrorCode::Unavailable, tried + "; by the API server's proxy: " + other,
              effect.request.address));
}

void RayClient::choose(RayAccess way) {
  options_.access = way;
  log::write(log::Level::Info, "way to Ray heads found",
             {{"rayAccess", way == RayAccess::PodIp ? "pod-ip" : "apiserver-proxy"}});
}

void RayClient::answer(std::uint64_t request_id, Result<RayReply> reply) {
  deliver_(engine::RayAnswered{request_id, std::move(reply)});
}

Result<HttpRequest> RayClient::prepare(const Ask& ask, RayAccess way) const {
  const std::string token = TRY(ask.token);
  const RayRequest& request = ask.effect.request;
  HttpRequest prepared = TRY(way == RayAccess::ApiserverProxy ? render_proxied_request(request)
                                                              : render_request(request));
  prepared.headers["User-Agent"] = options_.user_agent;
  // Not `Authorization`, which the API server's proxy takes for its own (Ray takes either).
  if (!token.empty()) prepared.headers["X-Ray-Authorization"] = "Bearer " + token;
  prepared.deadline = prepared.method == "GET" ? options_.read_time_max : options_.post_time_max;
  prepared.response_bytes_max =
      request.verb == RayVerb::GetServe ? k_serve_answer_bytes_max : k_answer_bytes_max;
  return prepared;
}

}  // namespace ray_gitops::ray
