#include "agent/local_cluster/kubelet/service_forwarder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "agent/local_cluster/kubelet/process.h"
#include "agent/log/log.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_backlog = 128;
// A peer that vanished without a word (its network is gone) is noticed after this much silence.
constexpr int k_keep_alive_idle_seconds = 30;
constexpr int k_keep_alive_interval_seconds = 10;
constexpr int k_keep_alive_probes = 3;

struct BufferDeleter {
  void operator()(bufferevent* buffer) const { bufferevent_free(buffer); }
};
struct EventDeleter {
  void operator()(event* each) const { event_free(each); }
};
struct ListenerDeleter {
  void operator()(evconnlistener* listener) const { evconnlistener_free(listener); }
};

sockaddr_in to_sockaddr(const SocketAddress& at) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(at.port);
  inet_pton(AF_INET, at.address.c_str(), &result.sin_addr);
  return result;
}

std::string address_text(const sockaddr* peer) {
  char text[INET_ADDRSTRLEN] = {};
  if (peer->sa_family != AF_INET) return text;
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(peer)->sin_addr, text, sizeof text);
  return text;
}

void set_option(int socket, int level, int name, int value) {
  setsockopt(socket, level, name, &value, sizeof value);
}

// What is written goes out at once, and a dead peer is noticed.
void set_up_socket(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, k_keep_alive_idle_seconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, k_keep_alive_interval_seconds);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, k_keep_alive_probes);
}

// The close that follows resets the connection: nobody takes it for the end of the data.
void reset_at_close(int socket) {
  const linger at_once{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

struct ServiceForwarder::Listener {
  ServiceForwarder* forwarder = nullptr;
  SocketAddress at;
  ServiceRoute route;
  std::size_t connection_number = 0;
  bool has_complained = false;
  std::unique_ptr<evconnlistener, ListenerDeleter> socket;

  static void on_connection(evconnlistener*, int socket, sockaddr* peer, int, void* self) {
    auto& listener = *static_cast<Listener*>(self);
    listener.forwarder->accept(listener, socket, address_text(peer));
  }
  // No more file descriptors: left alone until the next set_routes(), instead of turning the loop.
  static void on_error(evconnlistener* socket, void* self) {
    const auto& listener = *static_cast<Listener*>(self);
    log::write(log::Level::Warning, "a Service takes no connections for the moment",
               {{"service", listener.route.service}, {"error", std::strerror(errno)}});
    evconnlistener_disable(socket);
  }
};

// First a client that waits for an endpoint to accept, then two sides that exchange bytes.
struct ServiceForwarder::Connection {
  struct Side {
    Connection* connection = nullptr;
    Side* other = nullptr;
    bool has_ended = false;  // it sends no more
    bool is_told = false;    // that the other one has ended
    std::unique_ptr<bufferevent, BufferDeleter> buffer;
  };

  ServiceForwarder* forwarder = nullptr;
  std::uint64_t id = 0;
  std::vector<SocketAddress> candidates;  // the next is the last
  FileDescriptor waiting_client;
  FileDescriptor connecting;
  std::unique_ptr<event, EventDeleter> connected;
  Side client;
  Side endpoint;

  ~Connection();
  // Each of these may end the connection, and with it this object.
  void try_next_endpoint();
  void start_exchange();
  void set_up(Side& side, Side& other, FileDescriptor socket);
  void pass_on(Side& from);
  void tell_end(Side& to);

  bool begin_connecting(const SocketAddress& to);
  void drop() { forwarder->drop(id); }

  static void on_connected(int, short what, void* self);
  static void on_readable(bufferevent*, void* side);
  static void on_written(bufferevent*, void* side);
  static void on_event(bufferevent*, short what, void* side);
};

// A connection that did not come to its end is reset.
ServiceForwarder::Connection::~Connection() {
  if (client.is_told && endpoint.is_told) return;
  if (waiting_client.is_open()) reset_at_close(waiting_client.get());
  for (const Side* side : {&client, &endpoint})
    if (side->buffer) reset_at_close(bufferevent_getfd(side->buffer.get()));
}

void ServiceForwarder::Connection::try_next_endpoint() {
  while (!candidates.empty()) {
    const SocketAddress next = candidates.back();
    candidates.pop_back();
    if (begin_connecting(next)) return;
  }
  drop();
}

bool ServiceForwarder::Connection::begin_connecting(const SocketAddress& to) {
  connected.reset();
  connecting = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!connecting.is_open()) return false;
  const sockaddr_in address = to_sockaddr(to);
  if (connect(connecting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    return false;
  connected.reset(event_new(forwarder->base_, connecting.get(), EV_WRITE, on_connected, this));
  const Duration limit = forwarder->limits_.connect_max;
  const timeval patience{limit.count() / 1000, limit.count() % 1000 * 1000};
  event_add(connected.get(), &patience);
  return true;
}

void ServiceForwarder::Connection::on_connected(int socket, short what, void* self) {
  auto& connection = *static_cast<Connection*>(self);
  int error = ETIMEDOUT;
  socklen_t size = sizeof error;
  if ((what & EV_WRITE) != 0) getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return connection.try_next_endpoint();
  connection.start_exchange();
}

void ServiceForwarder::Connection::start_exchange() {
  connected.reset();
  set_up(client, endpoint, std::move(waiting_client));
  set_up(endpoint, client, std::move(connecting));
  for (const Side* side : {&client, &endpoint})
    bufferevent_enable(side->buffer.get(), EV_READ | EV_WRITE);
}

void ServiceForwarder::Connection::set_up(Side& side, Side& other, FileDescriptor socket) {
  set_up_socket(socket.get());
  side.connection = this;
  side.other = &other;
  side.buffer.reset(bufferevent_socket_new(forwarder->base_, socket.release(),
                                           BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
  bufferevent_setcb(side.buffer.get(), on_readable, on_written, on_event, &side);
  bufferevent_setwatermark(side.buffer.get(), EV_WRITE, forwarder->limits_.bytes_max / 2, 0);
}

void ServiceForwarder::Connection::on_readable(bufferevent*, void* side) {
  auto& from = *static_cast<Side*>(side);
  from.connection->pass_on(from);
}

void ServiceForwarder::Connection::pass_on(Side& from) {
  evbuffer* output = bufferevent_get_output(from.other->buffer.get());
  evbuffer_add_buffer(output, bufferevent_get_input(from.buffer.get()));
  if (evbuffer_get_length(output) >= forwarder->limits_.bytes_max)
    bufferevent_disable(from.buffer.get(), EV_READ);
}

void ServiceForwarder::Connection::on_written(bufferevent*, void* side) {
  auto& to = *static_cast<Side*>(side);
  if (!to.other->has_ended)
    bufferevent_enable(to.other->buffer.get(), EV_READ);
  else
    to.connection->tell_end(to);
}

// Once everything before it is written.
void ServiceForwarder::Connection::tell_end(Side& to) {
  if (to.is_told || evbuffer_get_length(bufferevent_get_output(to.buffer.get())) > 0) return;
  shutdown(bufferevent_getfd(to.buffer.get()), SHUT_WR);
  to.is_told = true;
  if (to.other->is_told) drop();
}

void ServiceForwarder::Connection::on_event(bufferevent*, short what, void* side) {
  auto& from = *static_cast<Side*>(side);
  if ((what & BEV_EVENT_EOF) == 0) return from.connection->drop();
  from.connection->pass_on(from);
  from.has_ended = true;
  from.connection->tell_end(*from.other);
}

ServiceForwarder::ServiceForwarder(event_base* base, AddressPool pods, ForwarderLimits limits)
    : base_(base), pods_(std::move(pods)), limits_(limits) {}

ServiceForwarder::~ServiceForwarder() = default;

void ServiceForwarder::set_routes(ServiceRoutes routes) {
  std::erase_if(listeners_, [&](const auto& entry) { return !routes.contains(entry.first); });
  for (auto& [at, route] : routes) {
    auto& listener = listeners_[at];
    if (!listener) listener = std::make_unique<Listener>();
    listener->forwarder = this;
    listener->at = at;
    listener->route = std::move(route);
    listen(*listener);
  }
}

void ServiceForwarder::listen(Listener& listener) {
  if (listener.socket) {
    evconnlistener_enable(listener.socket.get());
    return;
  }
  const sockaddr_in at = to_sockaddr(listener.at);
  listener.socket.reset(
      evconnlistener_new_bind(base_, Listener::on_connection, &listener,
                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                              k_backlog, reinterpret_cast<const sockaddr*>(&at), sizeof at));
  if (listener.socket) {
    evconnlistener_set_error_cb(listener.socket.get(), Listener::on_error);
    return;
  }
  if (std::exchange(listener.has_complained, true)) return;
  log::write(log::Level::Warning, "a Service cannot be reached: its address cannot be listened on",
             {{"service", listener.route.service},
              {"address", listener.at.address + ":" + std::to_string(listener.at.port)},
              {"error", std::strerror(errno)}});
}

void ServiceForwarder::accept(Listener& listener, int socket, const std::string& client) {
  auto owned = std::make_unique<Connection>();
  Connection& connection = *owned;
  connection.waiting_client = FileDescriptor(socket);
  if (connections_.size() >= limits_.connections_max ||
      !is_local_client(client, listener.at.address, pods_))
    return;
  connection.forwarder = this;
  connection.id = ++last_id_;
  connection.candidates = choose_endpoints(listener.route.endpoints, listener.connection_number++);
  std::reverse(connection.candidates.begin(), connection.candidates.end());
  connections_.emplace(connection.id, std::move(owned));
  connection.try_next_endpoint();
}

void ServiceForwarder::drop(std::uint64_t connection) { connections_.erase(connection); }

}  // namespace ray_gitops::local_cluster
