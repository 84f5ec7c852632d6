#pragma once
// GET pods/NAME/log: a container's log file, whole, its end, or followed while it grows.

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "agent/local_cluster/server/pod_logs.h"
#include "agent/local_cluster/store/api.h"
#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/time.h"

struct evhttp_request;

namespace ray_gitops::local_cluster {

constexpr std::size_t k_log_streams_max = 256;
// How often a followed file is looked at.
constexpr Duration k_log_poll_interval{200};

class LogStreams {
 public:
  LogStreams(const Store& store, const PodLogs& logs, std::size_t buffer_bytes_max);
  LogStreams(const LogStreams&) = delete;
  LogStreams& operator=(const LogStreams&) = delete;
  ~LogStreams();

  // Answers the request; with `follow` the stream is kept until the container's run is over.
  void start(evhttp_request* request, const ApiRequest& asked, Instant now);
  // Sends what the followed files have got.
  void tick(Instant now);
  std::optional<Instant> next_due() const;
  void end_all();

 private:
  struct LogStream;
  ApiResult<PodLogPlace> find_place(const ApiRequest& asked) const;
  bool is_over(const LogStream& stream) const;
  void forward(LogStream& stream);
  void drop_closed();

  const Store& store_;
  const PodLogs& logs_;
  std::size_t buffer_bytes_max_;
  Instant next_look_;
  std::vector<std::unique_ptr<LogStream>> streams_;
};

}  // namespace ray_gitops::local_cluster
