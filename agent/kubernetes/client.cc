#include "agent/kubernetes/client.h"

#include <iterator>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "agent/kubernetes/made_token.h"
#include "agent/kubernetes/requests.h"
#include "agent/kubernetes/sender.h"
#include "agent/kubernetes/watch_stream.h"

namespace ray_gitops::kubernetes {
namespace {

constexpr int k_not_found = 404;

using MaybeView = std::optional<ResourceView>;

struct Listing {
  Collection collection;
  std::vector<ResourceView> objects;
  std::string continue_token;
  int pages = 0;
  int restarts = 0;
};

struct Watching {
  Collection collection;
  LineSplitter lines;
  std::optional<Error> error;  // why we ended it
};

bool is_success(const HttpResponse& response) {
  return response.status >= 200 && response.status <= 299;
}

Result<ListPage> page_of(const Result<HttpResponse>& answer, ResourceType type) {
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (is_success(*answer)) return parse_list_page(*answer, type);
  Error error = parse_error(*answer, type);
  // A list needs no object: this server has no such type (without a Status, as of its paths).
  if (answer->status == k_not_found) error.code = ErrorCode::NotFound;
  return tl::unexpected(std::move(error));
}

Result<MaybeView> written_object(const Result<HttpResponse>& answer, const Action& action) {
  const ResourceType type = action.target.type;
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!is_success(*answer)) {
    Error error = parse_error(*answer, type);
    // Expired is what was not sent.
    if (error.code == ErrorCode::Expired) error.code = ErrorCode::Rejected;
    return tl::unexpected<Error>(std::move(error));
  }
  if (action.verb == Verb::Delete) return parse_delete_answer(*answer, type);
  return MaybeView{TRY(parse_object(*answer, type))};
}

Result<MaybeView> read_object(const Result<HttpResponse>& answer, ResourceType type) {
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (is_success(*answer)) return MaybeView{TRY(parse_object(*answer, type))};
  Error error = parse_error(*answer, type);
  if (error.code == ErrorCode::NotFound) return MaybeView{};
  return tl::unexpected<Error>(std::move(error));
}

Error end_of_watch(const Watching& watching, const Result<HttpResponse>& answer) {
  if (watching.error) return *watching.error;
  if (!answer) return answer.error();
  if (!is_success(*answer)) return parse_error(*answer, watching.collection.type);
  if (watching.lines.waiting() > 0)
    return {ErrorCode::Unavailable, "the watch ended within an event", {}};
  return {ErrorCode::Unavailable, "the server ended the watch", {}};
}

RequestClass class_of(const ResourceKey& key) {
  return key.type == ResourceType::Lease ? RequestClass::Lease : RequestClass::Object;
}

Result<ApiRequest> render_for_sending(const Action& action) {
  if (!action.makes_token) return render_write(action);
  Action with_token = action;
  with_token.body = TRY(with_made_tokens(action.body));
  return render_write(with_token);
}

}  // namespace

struct KubernetesClient::State {
  State(Loop& the_loop, ClientOptions options, std::function<void(engine::Event)> its_deliver)
      : loop(the_loop),
        agent_id(std::move(options.agent_id)),
        deliver(std::move(its_deliver)),
        sender(the_loop, std::move(options.connection), std::move(options.user_agent)) {}
  ~State() {
    for (const TimerId timer : late_events) loop.cancel_timer(timer);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Loop& loop;
  std::string agent_id;
  std::function<void(engine::Event)> deliver;
  Sender sender;
  std::set<TimerId> late_events;

  void deliver_later(engine::Event event);
  void fetch_page(const std::shared_ptr<Listing>& listing);
  void take_page(const std::shared_ptr<Listing>& listing, Result<ListPage> page);
  bool take_watch_line(Watching& watching, std::string_view line);
  void end(const Collection& collection, Error error) {
    if (error.where.empty()) error.where = plural_of(collection.type);
    deliver(engine::WatchEnded{collection.type, std::move(error), collection.ns});
  }
};

void KubernetesClient::State::deliver_later(engine::Event event) {
  const auto id = std::make_shared<TimerId>(0);
  *id = loop.add_timer(Duration{0}, [this, id, event = std::move(event)] {
    late_events.erase(*id);
    deliver(event);
  });
  late_events.insert(*id);
}

void KubernetesClient::State::fetch_page(const std::shared_ptr<Listing>& listing) {
  sender.send(render_list(listing->collection, listing->continue_token), RequestClass::List,
              {.on_data = {}, .on_done = [this, listing](const Result<HttpResponse>& answer) {
                 take_page(listing, page_of(answer, listing->collection.type));
               }});
}

void KubernetesClient::State::take_page(const std::shared_ptr<Listing>& listing,
                                        Result<ListPage> page) {
  if (!page) {
    const bool forgotten = page.error().code == ErrorCode::Expired &&
                           !listing->continue_token.empty() &&
                           listing->restarts < k_list_restarts_max;
    if (!forgotten) return end(listing->collection, std::move(page.error()));
    *listing = Listing{.collection = listing->collection,
                       .objects = {},
                       .continue_token = {},
                       .pages = 0,
                       .restarts = listing->restarts + 1};
    return fetch_page(listing);
  }
  std::move(page->objects.begin(), page->objects.end(), std::back_inserter(listing->objects));
  listing->continue_token = std::move(page->continue_token);
  if (listing->continue_token.empty())
    return deliver(engine::ListCompleted{listing->collection.type, std::move(listing->objects),
                                         std::move(page->resource_version),
                                         listing->collection.ns});
  if (++listing->pages >= k_list_pages_max)
    return end(listing->collection, {ErrorCode::LimitExceeded, "the list has too many pages", {}});
  fetch_page(listing);
}

bool KubernetesClient::State::take_watch_line(Watching& watching, std::string_view line) {
  auto event = parse_watch_line(watching.collection.type, line, watching.collection.ns);
  if (!event) {
    watching.error = std::move(event.error());
    return false;
  }
  deliver(std::move(*event));
  return true;
}

KubernetesClient::KubernetesClient(Loop& loop, ClientOptions options,
                                   std::function<void(engine::Event)> deliver)
    : state_(std::make_unique<State>(loop, std::move(options), std::move(deliver))) {}

KubernetesClient::~KubernetesClient() = default;

void KubernetesClient::start_list(const engine::StartList& effect) {
  auto listing = std::make_shared<Listing>();
  listing->collection = {effect.type, effect.ns, state_->agent_id};
  state_->fetch_page(listing);
}

void KubernetesClient::start_watch(const engine::StartWatch& effect) {
  auto watching = std::make_shared<Watching>();
  watching->collection = {effect.type, effect.ns, state_->agent_id};
  HttpHandlers handlers;
  handlers.on_data = [state = state_.get(), watching](std::string_view bytes) {
    const bool goes_on = watching->lines.append(
        bytes, [&](std::string_view line) { return state->take_watch_line(*watching, line); });
    if (watching->lines.too_long())
      watching->error = Error{ErrorCode::LimitExceeded, "a watch event is too long", {}};
    return goes_on;
  };
  handlers.on_done = [state = state_.get(), watching](const Result<HttpResponse>& answer) {
    state->end(watching->collection, end_of_watch(*watching, answer));
  };
  state_->sender.send(render_watch(watching->collection, effect.resource_version),
                      RequestClass::Watch, std::move(handlers));
}

void KubernetesClient::hold_lease(const engine::HoldLease& effect) {
  state_->sender.hold_lease(effect.epoch, effect.until);
}

void KubernetesClient::send_write(const engine::SendWrite& effect) {
  const auto answer_with = [](std::uint64_t write_id, const ResourceKey& target,
                              Result<MaybeView> object) {
    if (!object) object.error().where = to_string(target);
    return engine::WriteAnswered{write_id, std::move(object)};
  };
  auto request = render_for_sending(effect.action);
  if (!request)
    return state_->deliver_later(
        answer_with(effect.write_id, effect.action.target, tl::unexpected<Error>(request.error())));
  request->lease_epoch = effect.lease_epoch;
  // Without the body, which may be large.
  Action action;
  action.verb = effect.action.verb;
  action.target = effect.action.target;
  state_->sender.send(
      std::move(*request), class_of(action.target),
      {.on_data = {},
       .on_done = [state = state_.get(), answer_with, write_id = effect.write_id,
                   action](const Result<HttpResponse>& answer) {
         state->deliver(answer_with(write_id, action.target, written_object(answer, action)));
       }});
}

void KubernetesClient::send_read(const engine::SendRead& effect) {
  auto request = render_read(effect.key);
  if (!request)
    return state_->deliver_later(
        engine::ReadAnswered{effect.key, tl::unexpected<Error>(request.error())});
  state_->sender.send(
      std::move(*request), class_of(effect.key),
      {.on_data = {},
       .on_done = [state = state_.get(), key = effect.key](const Result<HttpResponse>& answer) {
         auto object = read_object(answer, key.type);
         if (!object) object.error().where = to_string(key);
         state->deliver(engine::ReadAnswered{key, std::move(object)});
       }});
}

}  // namespace ray_gitops::kubernetes
