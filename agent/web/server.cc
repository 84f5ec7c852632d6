#include "agent/web/server.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reconcilers/model/check.h"

namespace ray_gitops::web {
namespace {

constexpr int k_waiting_connections_max = 64;

struct DaemonDeleter {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};

class Socket {
 public:
  explicit Socket(int family)
      : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

SocketAddress socket_address(const ListenAddress& address) {
  SocketAddress made;
  const auto port = htons(static_cast<std::uint16_t>(address.port));
  if (address.host.find(':') == std::string::npos) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = port;
    inet_pton(AF_INET, address.host.c_str(), &ipv4.sin_addr);
    made.size = sizeof(ipv4);
    std::memcpy(&made.bytes, &ipv4, sizeof(ipv4));
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = port;
    inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr);
    made.size = sizeof(ipv6);
    std::memcpy(&made.bytes, &ipv6, sizeof(ipv6));
  }
  return made;
}

Result<int> listening_socket(const std::string& text) {
  const SocketAddress address = socket_address(TRY(parse_listen_address(text)));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address.bytes);
  Socket made(generic->sa_family);
  const int on = 1;
  setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (made.fd() < 0 || bind(made.fd(), generic, address.size) != 0 ||
      listen(made.fd(), k_waiting_connections_max) != 0)
    return fail(ErrorCode::Unavailable,
                std::string("it cannot be listened on: ") + std::strerror(errno), text);
  return made.release();
}

int port_of(int fd) {
  sockaddr_storage bytes{};
  socklen_t size = sizeof(bytes);
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&bytes), &size) == 0);
  if (bytes.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(&bytes)->sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&bytes)->sin6_port);
}

MHD_Result send_answer(MHD_Connection* connection, const Answer& answer) {
  MHD_Response* response = MHD_create_response_from_buffer(
      answer.body.size(), const_cast<char*>(answer.body.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type.c_str());
  const MHD_Result queued =
      MHD_queue_response(connection, static_cast<unsigned>(answer.status), response);
  MHD_destroy_response(response);
  return queued;
}

// MHD_AccessHandlerCallback. A request is answered when its headers are there; a body, which none
// of ours has, closes the connection.
// NOLINTNEXTLINE(readability-function-size): libmicrohttpd's eight parameters
MHD_Result take_request(void* handler, MHD_Connection* connection, const char* url,
                        const char* method, const char*, const char*, std::size_t* body_bytes,
                        void**) {
  if (*body_bytes != 0) return MHD_NO;
  const std::string asked = method;
  if (asked != MHD_HTTP_METHOD_GET && asked != MHD_HTTP_METHOD_HEAD)
    return send_answer(connection, {MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "GET only\n"});
  return send_answer(connection, (*static_cast<Server::Handler*>(handler))(url));
}

}  // namespace

struct Server::State {
  State(Loop& its_loop, Handler its_handler) : loop(its_loop), handler(std::move(its_handler)) {}
  ~State() {
    loop.cancel_timer(timer);
    if (epoll >= 0) loop.unwatch_fd(epoll);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Loop& loop;
  Handler handler;
  std::unique_ptr<MHD_Daemon, DaemonDeleter> daemon;
  int epoll = -1;  // the daemon's
  int port = 0;
  TimerId timer = 0;

  // Does what can be done now, and comes back when a connection has been idle for too long.
  void turn() {
    loop.cancel_timer(timer);
    MHD_run(daemon.get());
    // With all places taken it does not listen, and begins to only in the turn after one is free.
    MHD_run(daemon.get());
    MHD_UNSIGNED_LONG_LONG wait = 0;
    if (MHD_get_timeout(daemon.get(), &wait) == MHD_YES)
      timer = loop.add_timer(Duration{static_cast<std::int64_t>(wait)}, [this] { turn(); });
  }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() = default;

int Server::port() const { return state_->port; }

Result<std::unique_ptr<Server>> Server::start(Loop& loop, const std::string& address,
                                              Handler handler) {
  const int listener = TRY(listening_socket(address));
  auto state = std::make_unique<State>(loop, std::move(handler));
  state->port = port_of(listener);
  state->daemon.reset(
      MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, &take_request, &state->handler,  //
                       MHD_OPTION_LISTEN_SOCKET, listener,                                  //
                       MHD_OPTION_CONNECTION_LIMIT, k_connections_max,                      //
                       MHD_OPTION_CONNECTION_TIMEOUT, k_idle_seconds_max,                   //
                       MHD_OPTION_CONNECTION_MEMORY_LIMIT, k_connection_bytes_max, MHD_OPTION_END));
  if (!state->daemon) {
    close(listener);
    return fail(ErrorCode::Unavailable, "the HTTP server could not be started", address);
  }
  state->epoll = MHD_get_daemon_info(state->daemon.get(), MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  loop.watch_fd(state->epoll, {.readable = true}, [raw = state.get()](FdReady) { raw->turn(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

}  // namespace ray_gitops::web
