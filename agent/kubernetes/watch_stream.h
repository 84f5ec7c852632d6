#pragma once
// The body of a watch: one JSON object a line
// (kubernetes.io/docs/reference/using-api/api-concepts).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "agent/engine/event.h"
#include "reconcilers/model/object_key.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::kubernetes {

// etcd refuses values over 1.5 MiB by default; JSON escapes may make more of one.
constexpr std::size_t k_watch_line_bytes_max = 8UL * 1024 * 1024;

// Puts lines together from pieces that end anywhere.
class LineSplitter {
 public:
  // Calls `on_line` for each line that is complete now, until it says false. False then, and when a
  // line is longer than k_watch_line_bytes_max (too_long()): no more may be appended.
  bool append(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);
  bool too_long() const { return partial_.size() > k_watch_line_bytes_max; }
  // Bytes of a line whose end has not come.
  std::size_t waiting() const { return partial_.size(); }

 private:
  std::string partial_;
};

// WatchChanged or WatchBookmark of a watch in `ns`, empty for all namespaces. An ERROR event is its
// error; what is no event is Unavailable.
Result<engine::Event> parse_watch_line(ResourceType type, std::string_view line,
                                       const std::string& ns = {});

}  // namespace ray_gitops::kubernetes
