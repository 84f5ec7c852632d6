#pragma once
// HTTP exchanges as values. Loop::start_transfer runs them.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

namespace ray_gitops {

// All headers of one answer together; an answer with more is an error.
constexpr std::size_t k_response_headers_bytes_max = 64UL * 1024;

// Contents of PEM files. The server's name and certificate are always checked.
struct TlsIdentity {
  std::string authority_pem;  // the only authorities trusted; empty means the system's
  std::string certificate_pem;
  std::string key_pem;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // http or https
  std::map<std::string, std::string> headers;
  std::string body;  // sent when not empty, or when the method is POST, PUT or PATCH
  std::shared_ptr<const TlsIdentity> tls;  // null: the system's authorities, no certificate
  // Asked to reach the server: "http://proxy.example:3128", https:// or socks5h://; it may hold a
  // password. Empty: none, whatever the environment says.
  std::string proxy;
  std::string no_proxy;       // hosts reached without it, as NO_PROXY lists them
  Duration deadline{30'000};  // for all of it, time spent waiting included
  Duration stall_max{0};      // without a byte from the server; 0: no such limit
  std::size_t response_bytes_max = 1024UL * 1024;  // of a collected body; on_data counts for itself
  // HTTP/2 without TLS, known to be spoken there, over a connection of its own. The answer's
  // trailers are among its headers. Where the server answers before it has read the body, libcurl
  // 7.88 may show a broken stream (Unavailable) and nothing of the answer.
  bool http2 = false;
  // With http2: it may go over the connection of an earlier such request to this server, and is
  // sent once more where the server has closed that one, even if it got there.
  bool may_repeat = false;
  bool long_lived = false;  // a watch: see k_transfers_in_flight_max
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // empty when on_data took it
};

struct HttpHandlers {
  // Gets the body piece by piece, of answers with a status of 200 to 299; other answers' bodies are
  // collected. False ends the transfer with an error. Without it every body is collected.
  std::function<bool(std::string_view)> on_data;
  // Called once, last. Any complete answer is a response, whatever its status. Errors:
  // Unavailable (no answer or a broken one, deadline, stall: it may have happened at the server),
  // LimitExceeded (body or headers too long, or on_data said false), InvalidInput (the request).
  // Redirects are not followed.
  std::function<void(Result<HttpResponse>)> on_done;
};

}  // namespace ray_gitops
