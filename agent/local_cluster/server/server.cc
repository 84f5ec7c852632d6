#include "agent/local_cluster/server/server.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "agent/local_cluster/server/http.h"
#include "agent/local_cluster/server/log_streams.h"
#include "agent/local_cluster/server/watches.h"
#include "agent/local_cluster/store/discovery.h"
#include "agent/log/log.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr const char* k_address = "127.0.0.1";
constexpr int k_idle_connection_seconds = 300;
constexpr Duration k_save_retry_interval{1'000};

struct HttpDeleter {
  void operator()(evhttp* http) const { evhttp_free(http); }
};
struct EventDeleter {
  void operator()(event* handle) const { event_free(handle); }
};

timeval to_timeval(Duration delay) {
  const std::int64_t milliseconds = std::max<std::int64_t>(delay.count(), 0);
  return {static_cast<time_t>(milliseconds / 1000),
          static_cast<suseconds_t>(milliseconds % 1000 * 1000)};
}

std::uint16_t bound_port(evhttp_bound_socket* bound) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  void* const raw = &address;
  getsockname(evhttp_bound_socket_get_fd(bound), static_cast<sockaddr*>(raw), &size);
  return ntohs(address.sin_port);
}

bool is_log(const ApiTarget& target) {
  return target.type != nullptr && target.type->plural == "pods" && target.subresource == "log";
}

}  // namespace

class Server::Connections {
 public:
  Connections(event_base* base, Store& store, Database& database, PodLogs& logs,
              ServerOptions options, TlsContext tls)
      : store_(store),
        database_(database),
        options_(std::move(options)),
        tls_(std::move(tls)),
        finish_event_(event_new(base, -1, 0, on_finish, this)),
        timer_(event_new(base, -1, 0, on_timer, this)),
        watches_(store, {options_.bookmark_interval, options_.stream_buffer_bytes_max}),
        logs_(store, logs, options_.stream_buffer_bytes_max),
        http_(evhttp_new(base)) {}
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;
  ~Connections() {
    options_.on_changes = nullptr;  // its owner may be gone
    drain();
  }

  Result<void> listen();
  std::uint16_t port() const { return port_; }
  void request_finish();
  void drain();

 private:
  // A request of this turn: its answer, or the watch it starts.
  struct Pending {
    evhttp_request* http = nullptr;
    ApiRequest request;
    std::optional<ApiAnswer> answer;
  };

  static bufferevent* on_connection(event_base* base, void* self) {
    SSL* session = SSL_new(static_cast<Connections*>(self)->tls_.get());
    return bufferevent_openssl_socket_new(base, -1, session, BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
  }
  static void on_request(evhttp_request* request, void* self) {
    static_cast<Connections*>(self)->receive(request);
  }
  static void on_finish(int, short, void* self) { static_cast<Connections*>(self)->finish_turn(); }
  static void on_timer(int, short, void* self) { static_cast<Connections*>(self)->tick(); }

  void receive(evhttp_request* request);
  void receive_api(evhttp_request* request, const std::string& path);
  void finish_turn();
  bool save();
  void deliver(Now now);
  void answer(Pending& pending, Now now);
  void tick();
  void arm_timer();

  Store& store_;
  Database& database_;
  ServerOptions options_;
  TlsContext tls_;
  std::uint16_t port_ = 0;
  std::unique_ptr<event, EventDeleter> finish_event_;
  std::unique_ptr<event, EventDeleter> timer_;
  Watches watches_;
  LogStreams logs_;
  std::vector<Pending> pending_;
  std::map<StoreKey, std::optional<Document>> unsaved_;  // of a save that failed
  std::int64_t delivered_ = 0;
  std::optional<Instant> save_again_at_;
  // Last: closing the connections must find the members above.
  std::unique_ptr<evhttp, HttpDeleter> http_;
};

Result<void> Server::Connections::listen() {
  evhttp_set_max_body_size(http_.get(), static_cast<ev_ssize_t>(k_request_body_bytes_max));
  evhttp_set_max_headers_size(http_.get(), static_cast<ev_ssize_t>(k_request_header_bytes_max));
  evhttp_set_timeout(http_.get(), k_idle_connection_seconds);
  evhttp_set_allowed_methods(http_.get(), EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                              EVHTTP_REQ_PATCH | EVHTTP_REQ_DELETE);
  evhttp_set_bevcb(http_.get(), on_connection, this);
  evhttp_set_gencb(http_.get(), on_request, this);
  evhttp_bound_socket* bound =
      evhttp_bind_socket_with_handle(http_.get(), k_address, options_.port);
  if (bound == nullptr)
    return fail(ErrorCode::Unavailable, "the port cannot be listened on",
                std::string(k_address) + ":" + std::to_string(options_.port));
  port_ = bound_port(bound);
  delivered_ = store_.revision();
  request_finish();  // what the start changed is saved, what it left undone is done
  return {};
}

void Server::Connections::receive(evhttp_request* request) {
  const std::string path = path_of(request);
  if (path == "/readyz" || path == "/livez" || path == "/healthz")
    return send_text(request, 200, "ok");
  if (!is_authorized(request, options_.token)) return send_error(request, unauthorized());
  if (const auto discovery = render_discovery(path)) {
    if (method_of(request) != "GET") return send_error(request, method_not_allowed());
    return send_json(request, 200, discovery->canonical());
  }
  receive_api(request, path);
}

void Server::Connections::receive_api(evhttp_request* request, const std::string& path) {
  auto target = parse_target(path);
  if (!target) return send_error(request, no_such_path());
  auto parsed = read_request(request);
  if (!parsed) return send_error(request, parsed.error());
  parsed->target = std::move(*target);
  Pending pending{request, std::move(*parsed), std::nullopt};
  if (is_log(pending.request.target) || is_watch(pending.request)) {
    if (is_watch(pending.request) && watches_.size() + pending_.size() >= options_.watches_max)
      return send_error(request, too_many_requests("too many watches are open"));
  } else {
    pending.answer = store_.handle(pending.request, read_wall_clock());
  }
  pending_.push_back(std::move(pending));
  request_finish();
}

// Runs after the events that are ready now: they share one transaction.
void Server::Connections::request_finish() { event_active(finish_event_.get(), EV_TIMEOUT, 0); }

void Server::Connections::finish_turn() {
  const Now now{read_wall_clock(), read_monotonic_clock()};
  store_.settle(now.wall);
  std::vector<Pending> pending = std::exchange(pending_, {});
  if (!save()) {
    save_again_at_ = now.monotonic + k_save_retry_interval;
    for (Pending& unanswered : pending)
      send_error(unanswered.http, internal_error("the change could not be saved"));
    return arm_timer();
  }
  save_again_at_.reset();
  const bool has_changes = delivered_ != store_.revision();
  if (has_changes) deliver(now);
  for (Pending& waiting : pending) answer(waiting, now);
  arm_timer();
  if (has_changes && options_.on_changes) options_.on_changes();
}

bool Server::Connections::save() {
  Unsaved unsaved = store_.take_unsaved();
  // What an earlier turn could not save is older than what this one has for the same object.
  unsaved.objects.merge(unsaved_);
  unsaved_.clear();
  if (unsaved.objects.empty()) return true;
  const Result<void> saved = database_.save(unsaved);
  if (saved) return true;
  log::write(log::Level::Error, "the local cluster's objects cannot be saved",
             {{"error", describe(saved.error())}});
  unsaved_ = std::move(unsaved.objects);
  return false;
}

void Server::Connections::deliver(Now now) {
  const auto changes = store_.changes_since(delivered_);
  delivered_ = store_.revision();
  if (changes)
    watches_.deliver(*changes, now);
  else
    watches_.expire(changes.error());
}

void Server::Connections::answer(Pending& pending, Now now) {
  if (pending.answer)
    send_json(pending.http, pending.answer->http, pending.answer->body.canonical() + "\n");
  else if (is_log(pending.request.target))
    logs_.start(pending.http, pending.request, now.monotonic);
  else
    watches_.start(pending.http, pending.request, now);
}

void Server::Connections::tick() {
  const Instant now = read_monotonic_clock();
  watches_.tick(now);
  logs_.tick(now);
  if (save_again_at_ && *save_again_at_ <= now) request_finish();
  arm_timer();
}

void Server::Connections::arm_timer() {
  std::optional<Instant> due = watches_.next_due();
  for (const auto& other : {logs_.next_due(), save_again_at_})
    if (other && (!due || *other < *due)) due = other;
  if (!due) {
    event_del(timer_.get());
    return;
  }
  const timeval delay = to_timeval(*due - read_monotonic_clock());
  event_add(timer_.get(), &delay);
}

void Server::Connections::drain() {
  finish_turn();
  watches_.end_all();
  logs_.end_all();
}

Server::Server(std::unique_ptr<Connections> connections) : connections_(std::move(connections)) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(event_base* base, Store& store, Database& database,
                                              PodLogs& logs, ServerOptions options) {
  if (options.token.empty()) return fail(ErrorCode::Internal, "the server needs a token");
  TlsContext tls = TRY(make_tls_context(options.certificate));
  auto connections = std::make_unique<Connections>(base, store, database, logs, std::move(options),
                                                   std::move(tls));
  TRY(connections->listen());
  return std::unique_ptr<Server>(new Server(std::move(connections)));
}

std::uint16_t Server::port() const { return connections_->port(); }

std::string Server::url() const {
  return std::string("https://") + k_address + ":" + std::to_string(port());
}

void Server::changed() { connections_->request_finish(); }

void Server::drain() { connections_->drain(); }

}  // namespace ray_gitops::local_cluster
