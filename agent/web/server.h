#pragma once
// A small HTTP/1.1 server on the loop's thread, for probes and scrapes: GET and HEAD, no TLS, no
// state. libmicrohttpd speaks the protocol; its one descriptor is watched by the loop.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agent/loop/loop.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::web {

// Connections beyond these wait in the kernel until one of them ends.
constexpr unsigned k_connections_max = 16;
constexpr unsigned k_idle_seconds_max = 10;
// Of memory for one connection; a request whose headers need more is refused (431).
constexpr std::size_t k_connection_bytes_max = 16UL * 1024;

struct Answer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// "0.0.0.0:8080", "[::]:8080": a numeric address and a port, 0 for any free one.
struct ListenAddress {
  std::string host;
  int port = 0;
};
// InvalidInput for anything else.
Result<ListenAddress> parse_listen_address(const std::string& text);

class Server {
 public:
  // The answer to a GET of a path, without its query.
  using Handler = std::function<Answer(const std::string& path)>;

  // Listens. Unavailable when the address cannot be had, with the system's reason.
  static Result<std::unique_ptr<Server>> start(Loop& loop, const std::string& address,
                                               Handler handler);
  ~Server();  // before the loop's end; open connections are closed
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;  // that it listens on

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ray_gitops::web
