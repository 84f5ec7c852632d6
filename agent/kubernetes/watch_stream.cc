#include "agent/kubernetes/watch_stream.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "agent/kubernetes/requests.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/document.h"

namespace ray_gitops::kubernetes {

bool LineSplitter::append(std::string_view bytes,
                          const std::function<bool(std::string_view)>& on_line) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    const bool complete = end != std::string_view::npos;
    if (!complete || !partial_.empty()) partial_ += piece;
    if (too_long()) return false;
    if (!complete) return true;
    bytes.remove_prefix(end + 1);
    const std::string whole = std::exchange(partial_, {});
    const std::string_view line = whole.empty() ? piece : whole;
    if (!line.empty() && !on_line(line)) return false;
  }
  return true;
}

Result<engine::Event> parse_watch_line(ResourceType type, std::string_view line,
                                       const std::string& ns) {
  const auto document = Document::parse(line);
  if (!document)
    return fail(ErrorCode::Unavailable, "a watch event is " + document.error().message);
  const nlohmann::json& object = member(document->json(), "object");
  const std::string event = text_of(member(document->json(), "type"));
  if (event == "ERROR") return tl::unexpected<Error>(parse_status(object, type));
  if (event == "BOOKMARK") {
    std::string version = text_of(member(object, "metadata", "resourceVersion"));
    if (version.empty()) return fail(ErrorCode::Unavailable, "a bookmark has no resource version");
    return engine::Event{engine::WatchBookmark{type, std::move(version), ns}};
  }
  if (event != "ADDED" && event != "MODIFIED" && event != "DELETED")
    return fail(ErrorCode::Unavailable, "a watch event is of an unknown type");
  auto view = parse_view(type, object);
  if (!view) return fail(ErrorCode::Unavailable, view.error().message, view.error().where);
  return engine::Event{engine::WatchChanged{type, event == "DELETED", std::move(*view), ns}};
}

}  // namespace ray_gitops::kubernetes
