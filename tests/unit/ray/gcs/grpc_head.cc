#include "tests/unit/ray/gcs/grpc_head.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reconcilers/model/check.h"

namespace ray_gitops::test {
namespace {

constexpr std::string_view k_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t k_frame_header_bytes = 9;
constexpr std::size_t k_frame_bytes_max = 16'384;
constexpr unsigned char k_data = 0;
constexpr unsigned char k_headers = 1;
constexpr unsigned char k_settings = 4;
constexpr unsigned char k_end_stream = 1;
constexpr unsigned char k_acknowledged = 1;
constexpr unsigned char k_end_headers = 4;

// HPACK: literals that are not indexed (RFC 7541, 6.2.2), shorter than 127 bytes.
std::string packed(const HeaderList& headers) {
  std::string block;
  for (const auto& [name, value] : headers) {
    CHECK(name.size() < 127 && value.size() < 127);
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  }
  return block;
}

std::size_t length_of(const std::string& frame) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < 3; ++at)
    length = length << 8U | static_cast<unsigned char>(frame[at]);
  return length;
}

}  // namespace

void GrpcCall::answer(const std::string& body, const HeaderList& trailers) {
  begin(body);
  send_frame(k_headers, k_end_stream | k_end_headers, packed(trailers));
}

void GrpcCall::answer_without_body(HeaderList headers) {
  headers.insert(headers.begin(), {{":status", "200"}, {"content-type", "application/grpc"}});
  send_frame(k_headers, k_end_stream | k_end_headers, packed(headers));
}

void GrpcCall::begin(const std::string& body) {
  send_frame(k_headers, k_end_headers,
             packed({{":status", "200"}, {"content-type", "application/grpc"}}));
  for (std::size_t at = 0; at < body.size(); at += k_frame_bytes_max)
    send_frame(k_data, 0, body.substr(at, k_frame_bytes_max));
}

void GrpcCall::cut() {
  if (fd_ < 0) return;
  loop_.unwatch_fd(fd_);
  close(fd_);
  fd_ = -1;
}

bool GrpcCall::read_frames() {
  if (!is_greeted_ && received_.size() < k_preface.size()) return false;
  if (!is_greeted_) received_.erase(0, k_preface.size());
  is_greeted_ = true;
  while (received_.size() >= k_frame_header_bytes) {
    const std::string header = received_.substr(0, k_frame_header_bytes);
    const std::size_t end = k_frame_header_bytes + length_of(header);
    if (received_.size() < end) return false;
    const std::string payload = received_.substr(k_frame_header_bytes, end - k_frame_header_bytes);
    received_.erase(0, end);
    if (header[3] != k_data) continue;
    body_ = payload;
    stream_ = header.substr(5);
    if ((header[4] & k_end_stream) != 0) return true;
  }
  return false;
}

// Of the call's stream, or of the connection.
void GrpcCall::send_frame(unsigned char type, unsigned char flags, const std::string& payload) {
  std::string frame;
  for (const unsigned shift : {16U, 8U, 0U})
    frame += static_cast<char>(payload.size() >> shift & 0xFFU);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  frame += type == k_settings ? std::string(4, '\0') : stream_;
  send_all(frame + payload);
}

void GrpcCall::send_all(const std::string& bytes) {
  const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  CHECK(sent == static_cast<ssize_t>(bytes.size()));
}

GrpcHead::GrpcHead(Loop& loop, Script script) : loop_(loop), script_(std::move(script)) {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  CHECK(listen(fd_, SOMAXCONN) == 0);
  socklen_t size = sizeof(address);
  CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  loop_.watch_fd(fd_, {true, false}, [this](FdReady) { accept_one(); });
}

GrpcHead::~GrpcHead() {
  for (const auto& [fd, call] : open_) call->cut();  // the script may hold it
  loop_.unwatch_fd(fd_);
  close(fd_);
}

void GrpcHead::accept_one() {
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const auto call = std::make_shared<GrpcCall>(loop_, fd);
  open_[fd] = call;
  ++connections_;
  call->send_frame(k_settings, 0, "");
  call->send_frame(k_settings, k_acknowledged, "");
  loop_.watch_fd(fd, {true, false}, [this, fd](FdReady) { read(fd); });
}

void GrpcHead::read(int fd) {
  const std::shared_ptr<GrpcCall> call = open_.at(fd);
  std::array<char, 65'536> bytes{};
  const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
  if (count <= 0) {
    call->cut();
    open_.erase(fd);
    return;
  }
  call->received_.append(bytes.data(), static_cast<std::size_t>(count));
  if (!call->read_frames()) return;
  ++calls_;
  script_(call);
}

}  // namespace ray_gitops::test
