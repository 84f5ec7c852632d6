#include "agent/local_cluster/kubelet/prober.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/local_cluster/kubelet/control.h"
#include "agent/local_cluster/kubelet/process.h"

namespace ray_gitops::local_cluster {
namespace {

struct BufferDeleter {
  void operator()(bufferevent* buffer) const { bufferevent_free(buffer); }
};
struct EventDeleter {
  void operator()(event* timer) const { event_free(timer); }
};

timeval to_timeval(Duration duration) {
  return {static_cast<time_t>(duration.count() / 1000),
          static_cast<suseconds_t>(duration.count() % 1000 * 1000)};
}

std::string render_http_request(const ProbeSpec& spec, const std::string& address) {
  std::string host = address + ":" + std::to_string(spec.port);
  std::string headers;
  for (const auto& [name, value] : spec.headers) {
    if (name == "Host" || name == "host") {
      host = value;
    } else {
      headers.append(name).append(": ").append(value).append("\r\n");
    }
  }
  return "GET " + spec.path + " HTTP/1.1\r\nHost: " + host +
         "\r\nUser-Agent: kube-probe\r\nAccept: */*\r\nConnection: close\r\n" + headers + "\r\n";
}

// "HTTP/1.1 200 OK" -> 200; 0 for anything else.
int parse_status_line(const std::string& line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12) return 0;
  const std::string code = line.substr(9, 3);
  for (const char digit : code) {
    if (digit < '0' || digit > '9') return 0;
  }
  return std::stoi(code);
}

// What the first line of the answer means.
std::pair<bool, std::string> judge(ProbeAction action, const std::string& line) {
  if (action == ProbeAction::HttpGet) {
    const int code = parse_status_line(line);
    if (code == 0) return {false, "the answer is not HTTP"};
    return {code >= 200 && code < 400, "HTTP status " + std::to_string(code)};
  }
  const auto answer = parse_answer(line);
  if (!answer) return {false, answer.error().message};
  if (!answer->ok) return {false, answer->output};
  return {answer->exit_code == 0,
          "exit code " + std::to_string(answer->exit_code) + ": " + answer->output};
}

}  // namespace

struct Prober::Exchange {
  Prober* prober = nullptr;
  std::uint64_t id = 0;
  ProbeAction action = ProbeAction::HttpGet;
  ProbeHandler handler;
  std::unique_ptr<bufferevent, BufferDeleter> buffer;
  std::unique_ptr<event, EventDeleter> deadline;
  std::string failure;  // told at the next turn of the loop

  static void on_readable(bufferevent* buffer, void* self);
  static void on_event(bufferevent* buffer, short what, void* self);
  static void on_deadline(evutil_socket_t fd, short what, void* self);
  void connect(const ProbeSpec& spec, const ProbeTarget& target);
  void connect_to_pod(const ProbeSpec& spec, const std::string& address);
  void connect_to_command(const ProbeSpec& spec, const ProbeTarget& target);
};

Prober::Prober(event_base* base) : base_(base) {}
Prober::~Prober() = default;

void Prober::send(const ProbeSpec& spec, const ProbeTarget& target, ProbeHandler handler) {
  auto owned = std::make_unique<Exchange>();
  Exchange& exchange = *owned;
  exchange.prober = this;
  exchange.id = ++last_id_;
  exchange.action = spec.action;
  exchange.handler = std::move(handler);
  exchanges_.emplace(exchange.id, std::move(owned));
  exchange.deadline.reset(evtimer_new(base_, Exchange::on_deadline, &exchange));
  exchange.failure = "no answer within " + std::to_string(spec.timeout.count() / 1000) + "s";
  timeval timeout = to_timeval(spec.timeout);
  evtimer_add(exchange.deadline.get(), &timeout);
  exchange.connect(spec, target);
}

void Prober::finish(std::uint64_t id, bool success, const std::string& message) {
  const auto found = exchanges_.find(id);
  if (found == exchanges_.end()) return;
  const ProbeHandler handler = std::move(found->second->handler);
  exchanges_.erase(found);
  handler(success, message);
}

void Prober::Exchange::connect(const ProbeSpec& spec, const ProbeTarget& target) {
  if (spec.action == ProbeAction::Exec) return connect_to_command(spec, target);
  connect_to_pod(spec, spec.host.empty() ? target.address : spec.host);
}

void Prober::Exchange::connect_to_pod(const ProbeSpec& spec, const std::string& address) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<std::uint16_t>(spec.port));
  const bool is_address = inet_pton(AF_INET, address.c_str(), &peer.sin_addr) == 1;
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!is_address || !socket.is_open()) {
    failure = is_address ? std::strerror(errno) : "the host of a probe must be an IPv4 address";
    return event_active(deadline.get(), EV_TIMEOUT, 1);
  }
  buffer.reset(bufferevent_socket_new(prober->base_, socket.release(),
                                      BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
  bufferevent_setcb(buffer.get(), on_readable, nullptr, on_event, this);
  bufferevent_setwatermark(buffer.get(), EV_READ, 0, k_probe_answer_bytes_max);
  bufferevent_enable(buffer.get(), EV_READ | EV_WRITE);
  if (spec.action == ProbeAction::HttpGet) {
    const std::string request = render_http_request(spec, address);
    bufferevent_write(buffer.get(), request.data(), request.size());
  }
  // A refusal at once is told by on_event.
  bufferevent_socket_connect(buffer.get(), reinterpret_cast<sockaddr*>(&peer), sizeof peer);
}

void Prober::Exchange::connect_to_command(const ProbeSpec& spec, const ProbeTarget& target) {
  auto socket = connect_to_supervisor(target.directory);
  if (!socket) {
    failure = describe(socket.error());
    return event_active(deadline.get(), EV_TIMEOUT, 1);
  }
  buffer.reset(bufferevent_socket_new(prober->base_, socket->release(),
                                      BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
  bufferevent_setcb(buffer.get(), on_readable, nullptr, on_event, this);
  bufferevent_setwatermark(buffer.get(), EV_READ, 0, k_probe_answer_bytes_max);
  bufferevent_enable(buffer.get(), EV_READ | EV_WRITE);
  const std::string request = render_request({.verb = ControlVerb::Exec,
                                              .container = target.container,
                                              .reason = {},
                                              .grace_seconds = 0,
                                              .command = spec.command,
                                              .timeout = spec.timeout});
  bufferevent_write(buffer.get(), request.data(), request.size());
}

void Prober::Exchange::on_readable(bufferevent* buffer, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  std::size_t length = 0;
  const std::unique_ptr<char, decltype(&free)> line(
      evbuffer_readln(bufferevent_get_input(buffer), &length, EVBUFFER_EOL_CRLF), free);
  if (!line) return;
  const auto [success, message] = judge(exchange.action, std::string(line.get(), length));
  exchange.prober->finish(exchange.id, success, message);
}

void Prober::Exchange::on_event(bufferevent*, short what, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  if ((what & BEV_EVENT_CONNECTED) != 0) {
    if (exchange.action == ProbeAction::TcpSocket) exchange.prober->finish(exchange.id, true, "");
    return;
  }
  const std::string error = (what & BEV_EVENT_EOF) != 0
                                ? "the connection was closed without an answer"
                                : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
  exchange.prober->finish(exchange.id, false, error);
}

void Prober::Exchange::on_deadline(evutil_socket_t, short, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  exchange.prober->finish(exchange.id, false, exchange.failure);
}

}  // namespace ray_gitops::local_cluster
