#include "agent/ray/head_tokens.h"

#include <algorithm>
#include <utility>

#include "agent/ray/requests.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::ray {

HeadTokens::HeadTokens(Loop& loop, SendToApiServer send_to_api_server)
    : loop_(loop), send_to_api_server_(std::move(send_to_api_server)) {}

void HeadTokens::find(const ResourceKey& secret, Handler handler) {
  if (!entries_.contains(secret)) make_room();
  Entry& entry = entries_[secret];
  const bool is_recent = entry.is_read && loop_.now().monotonic < entry.read_at + k_token_pause;
  if (!entry.is_reading && (entry.is_good || is_recent)) return handler(entry.token);
  entry.waiting.push_back(std::move(handler));
  if (!entry.is_reading) read(secret, entry);
}

void HeadTokens::forget(const ResourceKey& secret) {
  const auto found = entries_.find(secret);
  if (found != entries_.end()) found->second.is_good = false;
}

void HeadTokens::read(const ResourceKey& secret, Entry& entry) {
  entry.is_reading = true;
  Result<HttpRequest> request = render_token_read(secret);
  if (!request) return take(secret, tl::unexpected<Error>(request.error()));
  request->deadline = k_token_read_time_max;
  send_to_api_server_(
      std::move(*request),
      {.on_data = {}, .on_done = [this, secret](const Result<HttpResponse>& response) {
         take(secret, response ? parse_token(*response) : tl::unexpected<Error>(response.error()));
       }});
}

void HeadTokens::take(const ResourceKey& secret, Result<std::string> token) {
  Entry& entry = entries_.at(secret);
  entry.is_reading = false;
  entry.is_read = true;
  entry.is_good = token.has_value();
  entry.read_at = loop_.now().monotonic;
  entry.token = std::move(token);
  if (!entry.token)
    entry.token = fail(ErrorCode::Unauthenticated, "the head's token cannot be had from " +
                                                       printable(to_string(secret)) + ": " +
                                                       entry.token.error().message);
  const Result<std::string> answer = entry.token;
  for (const Handler& handler : std::exchange(entry.waiting, {})) handler(answer);
}

void HeadTokens::make_room() {
  if (entries_.size() < k_tokens_max) return;
  const auto idle = std::find_if(entries_.begin(), entries_.end(),
                                 [](const auto& each) { return !each.second.is_reading; });
  if (idle != entries_.end()) entries_.erase(idle);
}

}  // namespace ray_gitops::ray
