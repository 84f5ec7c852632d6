#pragma once
// An API server to ask: the local cluster's, in a thread of this process, or a real one where
// KUBETEST_URL, KUBETEST_TOKEN and KUBETEST_CA (a PEM file) say so.

#include <cstdint>
#include <memory>
#include <string>

#include "agent/local_cluster/server/server.h"

namespace ray_gitops::contract {

struct Target {
  std::string url;
  std::string token;
  std::string certificate_file;
};

// Of the local server; the defaults are the ones it ships with.
struct Limits {
  std::size_t watches_max = local_cluster::k_watches_max;
  std::size_t stream_buffer_bytes_max = local_cluster::k_stream_buffer_bytes_max;
};

class ServerUnderTest {
 public:
  enum class Which : std::uint8_t { AsEnvironmentSays, Local };

  explicit ServerUnderTest(Which which = Which::AsEnvironmentSays);
  ServerUnderTest(const ServerUnderTest&) = delete;
  ServerUnderTest& operator=(const ServerUnderTest&) = delete;
  ~ServerUnderTest();

  const Target& target() const { return target_; }
  bool is_local() const { return local_ != nullptr; }
  // Ends the local server and starts it again over what it saved; its port may be another.
  void restart(Limits limits = {});
  // The log every container of the local server has.
  std::string log_path() const;

 private:
  struct Local;
  void start(Limits limits);

  Target target_;
  std::unique_ptr<Local> local_;
};

struct Answer {
  int http = 0;
  std::string body;
};

struct Request {
  std::string method = "GET";
  std::string path;  // with its query
  std::string content_type;
  std::string accept;
  std::string body;
  std::string token;
  std::string until = {};  // of a watch: it is read until it says this; empty: to its end
};

// Waits at most 20 s; http is 0 when there was no answer.
Answer send_request(const Target& target, const Request& request);

// A client that stops reading after the first bytes of an answer.
class SlowReader {
 public:
  SlowReader(const Target& target, const std::string& path);
  SlowReader(const SlowReader&) = delete;
  SlowReader& operator=(const SlowReader&) = delete;
  ~SlowReader();

  bool wait_for_first_bytes();
  // Reads what is left; whether the answer ended as it should.
  bool read_to_the_end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ray_gitops::contract
