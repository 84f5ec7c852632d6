#include "tests/unit/loop/loopback_server.h"

#include <array>
#include <cstdio>
#include <sstream>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reconcilers/model/check.h"

namespace ray_gitops::test {

void Exchange::answer(int status, const std::string& body, const std::string& extra_headers) {
  send_bytes("HTTP/1.1 " + std::to_string(status) + " -\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n" + extra_headers + "\r\n" + body);
}

void Exchange::begin(int status) {
  send_bytes("HTTP/1.1 " + std::to_string(status) + " -\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void Exchange::piece(const std::string& bytes) {
  std::array<char, 32> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  send_bytes(size.data() + bytes + "\r\n");
}

void Exchange::end() { send_bytes("0\r\n\r\n"); }

void Exchange::send_bytes(const std::string& bytes) {
  to_send_ += bytes;
  flush();
}

void Exchange::flush() {
  if (fd_ < 0) return;
  const ssize_t sent = send(fd_, to_send_.data(), to_send_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) to_send_.erase(0, static_cast<std::size_t>(sent));
  loop_.rewatch_fd(fd_, {.readable = true, .writable = !to_send_.empty()});
}

void Exchange::cut() {
  if (fd_ < 0) return;
  loop_.unwatch_fd(fd_);
  close(fd_);
  fd_ = -1;
}

LoopbackServer::LoopbackServer(Loop& loop, Script script)
    : loop_(loop), script_(std::move(script)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(listener_, generic, size) == 0 && listen(listener_, SOMAXCONN) == 0);
  CHECK(getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  loop_.watch_fd(listener_, {.readable = true}, [this](FdReady) { accept_one(); });
}

LoopbackServer::~LoopbackServer() {
  loop_.unwatch_fd(listener_);
  close(listener_);
  for (const auto& exchange : exchanges_) exchange->cut();
}

void LoopbackServer::accept_one() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  auto exchange = std::make_shared<Exchange>(loop_, fd);
  exchanges_.push_back(exchange);
  loop_.watch_fd(fd, {.readable = true}, [this, weak = std::weak_ptr(exchange)](FdReady ready) {
    const auto connection = weak.lock();
    if (ready.writable) connection->flush();
    if (ready.readable) receive(connection);
  });
}

void LoopbackServer::receive(const std::shared_ptr<Exchange>& exchange) {
  std::array<char, 65536> buffer{};
  if (!exchange->is_open()) return;
  const ssize_t size = recv(exchange->fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size <= 0) return exchange->cut();
  exchange->received_.append(buffer.data(), static_cast<std::size_t>(size));
  while (take_request(exchange)) continue;
}

bool LoopbackServer::take_request(const std::shared_ptr<Exchange>& exchange) {
  std::string& bytes = exchange->received_;
  const auto head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string::npos) return false;
  SeenRequest request;
  std::istringstream head{bytes.substr(0, head_end)};
  std::string line;
  std::getline(head, line);
  std::istringstream{line} >> request.method >> request.target;
  while (std::getline(head, line)) {
    const auto colon = line.find(": ");
    std::string name = line.substr(0, colon);
    for (char& character : name) character = static_cast<char>(std::tolower(character));
    std::string value = line.substr(colon + 2);
    if (value.ends_with('\r')) value.pop_back();
    request.headers[name] = value;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t body_size = length == request.headers.end() ? 0 : std::stoul(length->second);
  if (bytes.size() < head_end + 4 + body_size) return false;
  request.body = bytes.substr(head_end + 4, body_size);
  bytes.erase(0, head_end + 4 + body_size);
  requests_.push_back(request);
  script_(request, exchange);
  return true;
}

}  // namespace ray_gitops::test
