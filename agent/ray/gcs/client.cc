#include "agent/ray/gcs/client.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "agent/log/log.h"
#include "agent/ray/gcs/answer.h"
#include "agent/ray/gcs/decode.h"
#include "agent/ray/gcs/encode.h"

namespace ray_gitops::ray {
namespace {

constexpr int k_doublings_max = 10;

void log_call(const GcsRequest& request, const Result<GcsReply>& reply, Duration time) {
  log::write(log::Level::Debug, "GCS call",
             {{"method", method_of(request)},
              {"cluster", request.cluster},
              {"address", request.address},
              {"result", reply ? "OK" : describe(reply.error())},
              {"milliseconds", std::to_string(time.count())}});
}

// Also a node that has gone makes the head say that it cannot: that is no silence of the head's.
bool is_drain(const GcsRequest& request) {
  return std::holds_alternative<DrainRequest>(request.body);
}

Result<GcsReply> reply_to(const GcsRequest& request, const Result<HttpResponse>& response) {
  if (!response) return tl::unexpected<Error>(response.error());
  return decode(request, TRY(message_of(*response)));
}

Result<GcsReply> at_address(Result<GcsReply> reply, const GcsRequest& request) {
  if (!reply) reply.error().where = request.address;
  return reply;
}

Result<GcsReply> unavailable(std::string why) {
  return fail(ErrorCode::Unavailable, std::move(why));
}

}  // namespace

GcsClient::GcsClient(Loop& loop, GcsClientOptions options,
                     std::function<void(const engine::GcsAnswered&)> deliver)
    : loop_(loop), options_(std::move(options)), deliver_(std::move(deliver)) {}

GcsClient::~GcsClient() {
  loop_.cancel_timer(wake_timer_);
  for (const auto& [id, is_silent] : started_) loop_.cancel_transfer(id);
}

void GcsClient::ask(const engine::AskGcs& effect) {
  const ResourceKey& secret = effect.request.token_secret;
  if (secret.name.empty()) return queue(effect, std::string{});
  if (options_.tokens == nullptr)
    return queue(effect, fail(ErrorCode::Unauthenticated, "the head asks for a token"));
  options_.tokens->find(secret,
                        [this, effect](const Result<std::string>& token) { queue(effect, token); });
}

void GcsClient::queue(const engine::AskGcs& effect, const Result<std::string>& token) {
  waiting_.push_back({effect, token});
  wake();
}

void GcsClient::wake() {
  loop_.cancel_timer(wake_timer_);
  wake_timer_ = loop_.add_timer(Duration{0}, [this] { start_waiting(); });
}

void GcsClient::start_waiting() {
  std::deque<Call> calls;
  calls.swap(waiting_);  // a handler may ask for more
  std::deque<Call> left;
  for (Call& call : calls) {
    if (start_or_refuse(call)) continue;
    if (left.size() < k_calls_waiting_max)
      left.push_back(std::move(call));
    else
      finish(call.effect, unavailable("too many calls wait to be sent to Ray heads"));
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(left.begin()),
                  std::make_move_iterator(left.end()));
}

bool GcsClient::start_or_refuse(const Call& call) {
  const engine::AskGcs& effect = call.effect;
  const auto silence = silences_.find(effect.request.head_uid);
  const bool is_silent = silence != silences_.end();
  if (is_silent && loop_.now().monotonic < silence->second.ask_again_at) {
    finish(effect, unavailable("the head did not answer the last call, and is left alone"));
    return true;
  }
  const auto silent_in_flight = static_cast<std::size_t>(
      std::count_if(started_.begin(), started_.end(), [](const auto& one) { return one.second; }));
  if (started_.size() >= k_calls_in_flight_max) return false;
  if (is_silent && silent_in_flight >= k_calls_to_silent_heads_max) return false;
  start(call, is_silent);
  return true;
}

void GcsClient::start(const Call& call, bool is_silent) {
  Result<HttpRequest> prepared = prepare(call);
  if (!prepared) return finish(call.effect, tl::unexpected<Error>(prepared.error()));
  const Instant started_at = loop_.now().monotonic;
  const auto id = std::make_shared<TransferId>(0);
  HttpHandlers handlers;
  handlers.on_done = [this, id, started_at,
                      effect = call.effect](const Result<HttpResponse>& response) {
    started_.erase(*id);
    wake();
    Result<GcsReply> reply = reply_to(effect.request, response);
    log_call(effect.request, reply, loop_.now().monotonic - started_at);
    take(effect, std::move(reply));
  };
  *id = loop_.start_transfer(std::move(*prepared), std::move(handlers));
  started_.emplace(*id, is_silent);
}

void GcsClient::take(const engine::AskGcs& effect, Result<GcsReply> reply) {
  const GcsRequest& request = effect.request;
  if (!reply && reply.error().code == ErrorCode::Unauthenticated && options_.tokens != nullptr)
    options_.tokens->forget(request.token_secret);
  if (reply || reply.error().code != ErrorCode::Unavailable)
    silences_.erase(request.head_uid);
  else if (!is_drain(request))
    remember_silence(request.head_uid);
  finish(effect, std::move(reply));
}

void GcsClient::finish(const engine::AskGcs& effect, Result<GcsReply> reply) {
  deliver_({effect.request_id, at_address(std::move(reply), effect.request)});
}

void GcsClient::remember_silence(const std::string& head_uid) {
  Silence& silence = silences_[head_uid];
  const int doublings = std::min(silence.count++, k_doublings_max);
  const Duration pause = std::min(options_.silence_pause * (1 << doublings), k_silence_pause_max);
  silence.ask_again_at = loop_.now().monotonic + pause;
  if (silences_.size() <= k_silent_heads_max) return;
  silences_.erase(
      std::min_element(silences_.begin(), silences_.end(), [](const auto& left, const auto& right) {
        return left.second.ask_again_at < right.second.ask_again_at;
      }));
}

Result<HttpRequest> GcsClient::prepare(const Call& call) const {
  const std::string token = TRY(call.token);
  const GcsRequest& request = call.effect.request;
  const bool drains = is_drain(request);
  HttpRequest prepared =
      TRY(render_call(request, drains ? options_.drain_time_max : options_.call_time_max, token));
  prepared.may_repeat = !drains;
  prepared.headers["User-Agent"] = options_.user_agent;
  prepared.response_bytes_max = options_.answer_bytes_max;
  return prepared;
}

}  // namespace ray_gitops::ray
