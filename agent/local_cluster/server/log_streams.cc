#include "agent/local_cluster/server/log_streams.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "agent/local_cluster/server/http.h"
#include "agent/local_cluster/server/stream.h"
#include "agent/local_cluster/store/json_path.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

constexpr std::int64_t k_block_bytes = 64L * 1024;

std::string query_value(const ApiRequest& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string{} : found->second;
}

bool is_true(const std::string& text) { return text == "true" || text == "1"; }

std::int64_t file_size(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? static_cast<std::int64_t>(status.st_size) : 0;
}

// Which file it is, whatever its name: a full log is renamed and a new one begun.
ino_t file_identity(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// Where the last `lines` lines begin, reading from the end.
std::int64_t tail_offset(const std::string& path, std::int64_t lines) {
  std::int64_t end = file_size(path);
  if (lines == 0) return end;
  std::ifstream file(path, std::ios::binary);
  std::int64_t seen = 0;
  const std::int64_t last = end - 1;
  while (end > 0) {
    const std::int64_t begin = std::max<std::int64_t>(end - k_block_bytes, 0);
    std::string block(static_cast<std::size_t>(end - begin), '\0');
    file.seekg(begin);
    if (!file.read(block.data(), static_cast<std::streamsize>(block.size()))) return begin;
    for (std::int64_t at = end - 1; at >= begin; --at)
      if (block[static_cast<std::size_t>(at - begin)] == '\n' && at != last && ++seen == lines)
        return at + 1;
    end = begin;
  }
  return 0;
}

std::vector<std::string> container_names(const json& pod) {
  std::vector<std::string> names;
  for (const char* list : {"containers", "initContainers"})
    for (const json& container : at_path(pod, {"spec", list}))
      names.push_back(string_at(container, {"name"}));
  return names;
}

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

// The container the query names, or the only one.
ApiResult<std::string> choose_container(const json& pod, const std::string& asked) {
  const std::vector<std::string> names = container_names(pod);
  const std::string pod_name = string_at(pod, {"metadata", "name"});
  if (!asked.empty()) {
    if (std::ranges::count(names, asked) > 0) return asked;
    return refuse(bad_request("container " + asked + " is not valid for pod " + pod_name));
  }
  if (at_path(pod, {"spec", "containers"}).size() == 1) return names.front();
  return refuse(bad_request("a container name must be specified for pod " + pod_name +
                            ", choose one of: [" + join(names) + "]"));
}

}  // namespace

struct LogStreams::LogStream {
  LogStream(evhttp_request* request, PodLogPlace where, std::string file)
      : stream(request, "text/plain"),
        place(std::move(where)),
        path(std::move(file)),
        identity(file_identity(path)) {}

  Stream stream;
  PodLogPlace place;
  std::string path;
  ino_t identity;
  std::int64_t offset = 0;
};

LogStreams::LogStreams(const Store& store, const PodLogs& logs, std::size_t buffer_bytes_max)
    : store_(store), logs_(logs), buffer_bytes_max_(buffer_bytes_max) {}

LogStreams::~LogStreams() = default;

ApiResult<PodLogPlace> LogStreams::find_place(const ApiRequest& asked) const {
  const auto pod = store_.get({"pods", asked.target.ns, asked.target.name});
  if (!pod) return refuse(pod.error());
  auto container = choose_container(pod->json(), query_value(asked, "container"));
  if (!container) return refuse(std::move(container).error());
  return PodLogPlace{.ns = asked.target.ns,
                     .pod = asked.target.name,
                     .uid = string_at(pod->json(), {"metadata", "uid"}),
                     .container = std::move(*container),
                     .previous = is_true(query_value(asked, "previous"))};
}

void LogStreams::start(evhttp_request* request, const ApiRequest& asked, Instant now) {
  auto place = find_place(asked);
  if (!place) return send_error(request, place.error());
  const bool follows = is_true(query_value(asked, "follow")) && !place->previous;
  if (follows && streams_.size() >= k_log_streams_max)
    return send_error(request, too_many_requests("too many logs are followed"));
  auto path = logs_.find_log(*place);
  if (!path) return send_error(request, bad_request(path.error().message));
  auto log = std::make_unique<LogStream>(request, std::move(*place), std::move(*path));
  const auto tail = parse_revision(query_value(asked, "tailLines"));
  if (tail) log->offset = tail_offset(log->path, *tail);
  forward(*log);
  if (!follows || is_over(*log)) return log->stream.end();
  if (streams_.empty()) next_look_ = now + k_log_poll_interval;
  streams_.push_back(std::move(log));
}

void LogStreams::tick(Instant now) {
  if (streams_.empty() || now < next_look_) return;
  next_look_ = now + k_log_poll_interval;
  for (const std::unique_ptr<LogStream>& log : streams_) {
    // Asked first: what was written before the end is still sent.
    const bool over = is_over(*log);
    if (log->stream.unread_bytes() > buffer_bytes_max_)
      log->stream.abort();
    else
      forward(*log);
    if (over) log->stream.end();
  }
  drop_closed();
}

std::optional<Instant> LogStreams::next_due() const {
  return streams_.empty() ? std::nullopt : std::optional(next_look_);
}

void LogStreams::end_all() {
  for (const std::unique_ptr<LogStream>& log : streams_) log->stream.end();
  drop_closed();
}

// The run is over when its container ended, another run began or the pod is gone.
bool LogStreams::is_over(const LogStream& log) const {
  const Document pod = store_.find({"pods", log.place.ns, log.place.pod});
  if (string_at(pod.json(), {"metadata", "uid"}) != log.place.uid) return true;
  for (const char* list : {"containerStatuses", "initContainerStatuses"})
    for (const json& container : at_path(pod.json(), {"status", list}))
      if (string_at(container, {"name"}) == log.place.container)
        return !at_path(container, {"state"}).contains("running");
  return false;
}

void LogStreams::forward(LogStream& log) {
  if (const ino_t identity = file_identity(log.path); identity != log.identity) {
    log.identity = identity;
    log.offset = 0;
  }
  std::ifstream file(log.path, std::ios::binary);
  file.seekg(log.offset);
  std::string block(static_cast<std::size_t>(k_block_bytes), '\0');
  while (log.stream.is_open() && file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    log.offset += file.gcount();
    log.stream.send(block.substr(0, static_cast<std::size_t>(file.gcount())));
  }
}

void LogStreams::drop_closed() {
  std::erase_if(streams_, [](const auto& log) { return !log->stream.is_open(); });
}

}  // namespace ray_gitops::local_cluster
