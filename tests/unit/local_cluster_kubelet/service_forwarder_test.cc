// The forwarder over loopback: addresses of 127.0.0.0/8 stand for those of Services and pods.
#include "agent/local_cluster/kubelet/service_forwarder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <vector>

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/process.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr std::chrono::seconds k_patience{20};

sockaddr_in to_sockaddr(const SocketAddress& at) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(at.port);
  inet_pton(AF_INET, at.address.c_str(), &result.sin_addr);
  return result;
}

// One end of a connection. Nothing here waits.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) { fcntl(socket, F_SETFL, O_NONBLOCK); }

  bool is_open() const { return socket_.is_open(); }
  std::size_t send(const std::string& bytes) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }
  void end() { shutdown(socket_.get(), SHUT_WR); }
  void reset() {
    const linger at_once{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
  // Reads what there is into received, has_ended, is_reset.
  void look() {
    std::array<char, 65536> bytes{};
    ssize_t size = 0;
    while ((size = recv(socket_.get(), bytes.data(), bytes.size(), 0)) > 0)
      received.append(bytes.data(), static_cast<std::size_t>(size));
    has_ended = has_ended || size == 0;
    is_reset = is_reset || (size < 0 && errno == ECONNRESET);
  }

  std::string received;
  bool has_ended = false;
  bool is_reset = false;

 private:
  FileDescriptor socket_;
};

Peer connect_to(const SocketAddress& at) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = to_sockaddr(at);
  const bool connected =
      connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (connected) return Peer(socket);
  close(socket);
  return Peer(-1);
}

// Something that listens, as a pod would.
class Endpoint {
 public:
  explicit Endpoint(const std::string& address, std::uint16_t port = 0, int backlog = 16)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
        at{address, port} {
    sockaddr_in name = to_sockaddr(at);
    socklen_t size = sizeof name;
    const int on = 1;
    setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(::listen(socket_.get(), backlog), 0);
    getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&name), &size);
    at.port = ntohs(name.sin_port);
  }
  void look() {
    const int socket = accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) accepted.emplace_back(socket);
  }
  void close() { socket_.reset(); }

 private:
  FileDescriptor socket_;

 public:
  SocketAddress at;
  std::vector<Peer> accepted;
};

class Forwarder : public testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    Endpoint free_one("127.0.0.10");
    service_ = free_one.at;
    free_one.close();
    begin({});
  }
  void TearDown() override {
    forwarder_.reset();
    event_base_free(base_);
  }

  void begin(const ForwarderLimits& limits) {
    forwarder_.reset();
    forwarder_ = std::make_unique<ServiceForwarder>(
        base_, AddressPool::parse("10.88.0.0/24").value(), limits);
  }
  void route(const std::vector<SocketAddress>& endpoints) {
    forwarder_->set_routes({{service_, {"team/s", endpoints}}});
  }
  bool wait_until(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + k_patience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      event_base_loop(base_, EVLOOP_NONBLOCK);
    }
    return true;
  }
  bool wait_for_accepted(Endpoint& endpoint, std::size_t count) {
    return wait_until([&] {
      endpoint.look();
      return endpoint.accepted.size() >= count;
    });
  }
  bool wait_for_text(Peer& peer, const std::string& text) {
    return wait_until([&] {
      peer.look();
      return peer.received == text;
    });
  }
  bool wait_for_end(Peer& peer) {
    return wait_until([&] {
      peer.look();
      return peer.has_ended || peer.is_reset;
    });
  }

  event_base* base_ = event_base_new();
  SocketAddress service_;
  std::unique_ptr<ServiceForwarder> forwarder_;
};

TEST_F(Forwarder, passes_bytes_both_ways_until_both_sides_have_ended) {
  Endpoint pod("127.0.0.21");
  route({pod.at});
  Peer client = connect_to(service_);
  client.send("question");
  client.end();
  ASSERT_TRUE(wait_for_accepted(pod, 1));
  Peer& server = pod.accepted[0];
  ASSERT_TRUE(wait_for_end(server));
  EXPECT_EQ(server.received, "question");
  EXPECT_TRUE(server.has_ended);
  server.send("answer");  // its own half is still open
  ASSERT_TRUE(wait_for_text(client, "answer"));
  EXPECT_FALSE(client.has_ended);
  EXPECT_EQ(forwarder_->connection_count(), 1U);
  server.end();
  ASSERT_TRUE(wait_for_end(client));
  EXPECT_TRUE(client.has_ended);
  EXPECT_EQ(forwarder_->connection_count(), 0U);
}

TEST_F(Forwarder, gives_connections_to_the_endpoints_in_turn) {
  Endpoint first("127.0.0.21");
  Endpoint second("127.0.0.22");
  route({first.at, second.at});
  std::vector<Peer> clients;
  for (int each = 0; each < 4; ++each) clients.push_back(connect_to(service_));
  EXPECT_TRUE(wait_for_accepted(first, 2));
  EXPECT_TRUE(wait_for_accepted(second, 2));
}

TEST_F(Forwarder, tries_the_next_endpoint_when_one_refuses) {
  Endpoint gone("127.0.0.21");
  Endpoint pod("127.0.0.22");
  gone.close();
  route({gone.at, pod.at});
  const Peer client = connect_to(service_);
  EXPECT_TRUE(wait_for_accepted(pod, 1));
}

TEST_F(Forwarder, tries_the_next_endpoint_when_one_does_not_answer) {
  begin({.connect_max = Duration{50}});
  Endpoint mute("127.0.0.21", 0, 0);
  std::vector<Peer> waiting;  // more than it queues
  for (int each = 0; each < 2; ++each) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in at = to_sockaddr(mute.at);
    connect(socket, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    waiting.emplace_back(socket);
  }
  Endpoint pod("127.0.0.22");
  route({mute.at, pod.at});
  const Peer client = connect_to(service_);
  EXPECT_TRUE(wait_for_accepted(pod, 1));
}

TEST_F(Forwarder, resets_a_connection_that_no_endpoint_takes) {
  Endpoint gone("127.0.0.21");
  gone.close();
  route({gone.at});
  Peer client = connect_to(service_);
  ASSERT_TRUE(wait_for_end(client));
  EXPECT_TRUE(client.is_reset);
  EXPECT_EQ(forwarder_->connection_count(), 0U);
}

TEST_F(Forwarder, refuses_without_a_route_and_keeps_what_is_connected) {
  Endpoint first("127.0.0.21");
  Endpoint second("127.0.0.22");
  route({first.at});
  Peer client = connect_to(service_);
  ASSERT_TRUE(wait_for_accepted(first, 1));
  route({second.at});
  const Peer later = connect_to(service_);
  EXPECT_TRUE(wait_for_accepted(second, 1));
  forwarder_->set_routes({});
  EXPECT_FALSE(connect_to(service_).is_open());
  first.accepted[0].send("still here");
  EXPECT_TRUE(wait_for_text(client, "still here"));
}

TEST_F(Forwarder, passes_a_reset_on) {
  Endpoint pod("127.0.0.21");
  route({pod.at});
  Peer client = connect_to(service_);
  client.send("x");
  ASSERT_TRUE(wait_for_accepted(pod, 1));
  ASSERT_TRUE(wait_for_text(pod.accepted[0], "x"));
  client.reset();
  ASSERT_TRUE(wait_for_end(pod.accepted[0]));
  EXPECT_TRUE(pod.accepted[0].is_reset);
  EXPECT_EQ(forwarder_->connection_count(), 0U);
}

TEST_F(Forwarder, resets_everything_when_it_goes) {
  Endpoint pod("127.0.0.21");
  route({pod.at});
  Peer client = connect_to(service_);
  ASSERT_TRUE(wait_for_accepted(pod, 1));
  client.send("x");
  ASSERT_TRUE(wait_for_text(pod.accepted[0], "x"));
  forwarder_.reset();
  ASSERT_TRUE(wait_for_end(client));
  EXPECT_TRUE(client.is_reset);
  EXPECT_FALSE(connect_to(service_).is_open());
}

TEST_F(Forwarder, resets_connections_above_its_limit) {
  begin({.connections_max = 1});
  Endpoint pod("127.0.0.21");
  route({pod.at});
  Peer client = connect_to(service_);
  ASSERT_TRUE(wait_for_accepted(pod, 1));
  Peer second = connect_to(service_);
  ASSERT_TRUE(wait_for_end(second));
  EXPECT_TRUE(second.is_reset);
  client.end();
  pod.accepted[0].end();
  ASSERT_TRUE(wait_for_end(client));
  const Peer third = connect_to(service_);
  EXPECT_TRUE(wait_for_accepted(pod, 2));
}

TEST_F(Forwarder, lets_a_sender_wait_for_a_receiver_that_does_not_read) {
  constexpr std::size_t k_total = 64UL * 1024 * 1024;  // more than the sockets of the system take
  Endpoint pod("127.0.0.21");
  route({pod.at});
  Peer client = connect_to(service_);
  ASSERT_TRUE(wait_for_accepted(pod, 1));
  const std::string piece(64UL * 1024, 'x');
  std::size_t sent = 0;
  const auto send_more = [&] {
    if (sent < k_total)
      sent += client.send(piece.substr(0, std::min(piece.size(), k_total - sent)));
  };
  std::size_t before = 0;
  do {
    before = sent;
    for (int turn = 0; turn < 2000; ++turn) {
      send_more();
      event_base_loop(base_, EVLOOP_NONBLOCK);
    }
  } while (sent != before);
  EXPECT_LT(sent, k_total);
  std::size_t received = 0;
  EXPECT_TRUE(wait_until([&] {
    send_more();
    if (sent == k_total) client.end();
    pod.accepted[0].look();
    received += pod.accepted[0].received.size();
    pod.accepted[0].received.clear();
    return pod.accepted[0].has_ended;
  }));
  EXPECT_EQ(received, k_total);
}

TEST_F(Forwarder, goes_on_when_one_address_is_taken_and_takes_it_when_it_is_free) {
  Endpoint thief(service_.address, service_.port);
  Endpoint pod("127.0.0.21");
  Endpoint other_place("127.0.0.11");
  other_place.close();
  const ServiceRoutes routes{{service_, {"team/s", {pod.at}}},
                             {other_place.at, {"team/other", {pod.at}}}};
  forwarder_->set_routes(routes);
  const Peer client = connect_to(other_place.at);
  EXPECT_TRUE(wait_for_accepted(pod, 1));
  thief.close();
  forwarder_->set_routes(routes);
  const Peer second = connect_to(service_);
  EXPECT_TRUE(wait_for_accepted(pod, 2));
}

TEST_F(Forwarder, waits_without_turning_when_there_are_no_more_file_descriptors) {
  Endpoint pod("127.0.0.21");
  route({pod.at});
  const Peer client = connect_to(service_);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(0);
  close(next);
  const rlimit none_left{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  // Nothing is left to wait for: the loop has no active event and ends by itself (1).
  EXPECT_EQ(event_base_dispatch(base_), 1);
  EXPECT_EQ(forwarder_->connection_count(), 0U);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  route({pod.at});
  EXPECT_TRUE(wait_for_accepted(pod, 1));
}

}  // namespace
}  // namespace ray_gitops::local_cluster
