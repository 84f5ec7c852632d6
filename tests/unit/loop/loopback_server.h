#pragma once
// An HTTP/1.1 server of plain sockets on 127.0.0.1 that answers by script, on the loop of the test.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/loop/loop.h"

namespace ray_gitops::test {

struct SeenRequest {
  std::string method;
  std::string target;                          // path and query, as on the wire
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One connection, and so the place to answer the request that came over it. May outlive it.
class Exchange {
 public:
  Exchange(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  ~Exchange() { cut(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void answer(int status, const std::string& body, const std::string& extra_headers = {});
  // A body of unknown length: begin, any number of pieces, end.
  void begin(int status);
  void piece(const std::string& bytes);
  void end();
  void send_bytes(const std::string& bytes);
  void cut();  // closes the connection, whatever was promised
  bool is_open() const { return fd_ >= 0; }

 private:
  friend class LoopbackServer;
  void flush();

  Loop& loop_;
  int fd_;
  std::string received_;
  std::string to_send_;
};

class LoopbackServer {
 public:
  using Script = std::function<void(const SeenRequest&, const std::shared_ptr<Exchange>&)>;

  LoopbackServer(Loop& loop, Script script);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  const std::vector<SeenRequest>& requests() const { return requests_; }
  std::size_t connections() const { return exchanges_.size(); }

 private:
  void accept_one();
  void receive(const std::shared_ptr<Exchange>& exchange);
  bool take_request(const std::shared_ptr<Exchange>& exchange);

  Loop& loop_;
  Script script_;
  int listener_ = -1;
  int port_ = 0;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
  std::vector<SeenRequest> requests_;
};

}  // namespace ray_gitops::test
