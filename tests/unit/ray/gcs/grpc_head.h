#pragma once
// A gRPC server of plain sockets on 127.0.0.1 that answers by script: as much of HTTP/2 (RFC 9113)
// as unary calls one after the other take.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/loop/loop.h"

namespace ray_gitops::test {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// A connection, its last call, read whole, and the place to answer that.
class GrpcCall {
 public:
  GrpcCall(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  ~GrpcCall() { cut(); }
  GrpcCall(const GrpcCall&) = delete;
  GrpcCall& operator=(const GrpcCall&) = delete;

  const std::string& body() const { return body_; }
  // An answer of status 200: headers, the body (in frames of at most 16 KiB), trailers.
  void answer(const std::string& body, const HeaderList& trailers);
  // Headers alone, which end the stream.
  void answer_without_body(HeaderList headers);
  void begin(const std::string& body);  // what answer() would begin with
  void cut();

 private:
  friend class GrpcHead;
  bool read_frames();  // takes what is whole; false: the end of a call is not there yet
  void send_frame(unsigned char type, unsigned char flags, const std::string& payload);
  void send_all(const std::string& bytes);

  Loop& loop_;
  int fd_;
  std::string received_;
  std::string body_;
  std::string stream_;  // of the call, as in its frames
  bool is_greeted_ = false;
};

class GrpcHead {
 public:
  using Script = std::function<void(const std::shared_ptr<GrpcCall>&)>;

  GrpcHead(Loop& loop, Script script);
  ~GrpcHead();
  GrpcHead(const GrpcHead&) = delete;
  GrpcHead& operator=(const GrpcHead&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::size_t calls() const { return calls_; }
  std::size_t connections() const { return connections_; }

 private:
  void accept_one();
  void read(int fd);

  Loop& loop_;
  Script script_;
  int fd_ = -1;
  int port_ = 0;
  std::size_t calls_ = 0;
  std::size_t connections_ = 0;
  std::map<int, std::shared_ptr<GrpcCall>> open_;
};

}  // namespace ray_gitops::test
