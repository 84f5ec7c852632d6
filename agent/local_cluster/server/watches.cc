#include "agent/local_cluster/server/watches.h"

#include <algorithm>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/local_cluster/server/http.h"
#include "agent/local_cluster/server/stream.h"
#include "agent/local_cluster/store/json_path.h"
#include "agent/local_cluster/store/table.h"

namespace ray_gitops::local_cluster {
namespace {

using nlohmann::json;

// For a watch that names no timeoutSeconds; the real server draws one between 30 and 60 minutes.
constexpr Duration k_watch_time{3'600'000};
constexpr std::int64_t k_watch_seconds_max = 24L * 3600;

std::string query_value(const ApiRequest& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string{} : found->second;
}

bool is_true(const std::string& text) { return text == "true" || text == "1"; }

const char* name_of(ChangeType type) {
  switch (type) {
    case ChangeType::Added:
      return "ADDED";
    case ChangeType::Modified:
      return "MODIFIED";
    case ChangeType::Deleted:
      return "DELETED";
  }
  return "";
}

std::string render_line(const char* type, const std::string& object) {
  return std::string(R"({"type":")") + type + R"(","object":)" + object + "}\n";
}

Duration watch_time(const ApiRequest& request) {
  const auto seconds = parse_revision(query_value(request, "timeoutSeconds"));
  if (!seconds || *seconds == 0) return k_watch_time;
  return Duration{std::min(*seconds, k_watch_seconds_max) * 1000};
}

}  // namespace

struct Watches::Watch {
  Watch(evhttp_request* request, Selection what)
      : stream(request, "application/json"), selection(std::move(what)) {}

  std::string render(const WatchEvent& event, WallTime now) const {
    if (!as_table) return render_line(name_of(event.type), event.object.canonical());
    json table = render_table(*selection.type, {event.object}, carried, now);
    table["metadata"]["resourceVersion"] = event.object.json()["metadata"]["resourceVersion"];
    return render_line(name_of(event.type), dump_json(table));
  }

  void send_bookmark(bool ends_initial_events = false) {
    json metadata{{"resourceVersion", std::to_string(revision)}};
    if (ends_initial_events) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    json object{{"kind", selection.type->kind},
                {"apiVersion", api_version_of(*selection.type)},
                {"metadata", std::move(metadata)}};
    if (as_table) {
      object["kind"] = "Table";
      object["apiVersion"] = "meta.k8s.io/v1";
      object["columnDefinitions"] = nullptr;
      object["rows"] = json::array();
    }
    stream.send(render_line("BOOKMARK", dump_json(object)));
  }

  void end() {
    if (wants_bookmarks) send_bookmark();
    stream.end();
  }

  void end_with(const ApiError& error) {
    stream.send(render_line("ERROR", dump_json(to_status(error))));
    stream.end();
  }

  Stream stream;
  Selection selection;
  bool as_table = false;
  TableObjects carried = TableObjects::Metadata;
  bool wants_bookmarks = false;
  std::int64_t revision = 0;  // told of everything up to here
  Instant ends_at;
  Instant bookmark_at;
};

Watches::Watches(const Store& store, WatchLimits limits) : store_(store), limits_(limits) {}

Watches::~Watches() = default;

std::size_t Watches::size() {
  drop_closed();
  return watches_.size();
}

void Watches::start(evhttp_request* request, const ApiRequest& asked, Now now) {
  auto selection = parse_selection(asked);
  if (!selection) return send_error(request, selection.error());
  auto watch = std::make_unique<Watch>(request, std::move(*selection));
  watch->as_table = asked.wants_table;
  watch->carried = parse_table_objects(query_value(asked, "includeObject"));
  watch->wants_bookmarks = is_true(query_value(asked, "allowWatchBookmarks"));
  watch->ends_at = now.monotonic + watch_time(asked);
  watch->bookmark_at = now.monotonic + limits_.bookmark_interval;
  start_from(*watch, asked, now);
  if (watch->stream.is_open()) watches_.push_back(std::move(watch));
}

void Watches::start_from(Watch& watch, const ApiRequest& asked, Now now) {
  const auto from = parse_revision(query_value(asked, "resourceVersion"));
  const bool wants_state = is_true(query_value(asked, "sendInitialEvents"));
  std::string lines;
  if (wants_state || !from || *from == 0) {
    for (const Document& object : store_.list(watch.selection))
      lines += watch.render({ChangeType::Added, object}, now.wall);
    watch.revision = store_.revision();
    watch.stream.send(lines);
    if (wants_state && watch.wants_bookmarks) watch.send_bookmark(true);
    return;
  }
  const auto missed = store_.changes_since(*from);
  if (!missed) return watch.end_with(missed.error());
  for (const Change& change : *missed)
    if (const auto event = event_for(change, watch.selection))
      lines += watch.render(*event, now.wall);
  watch.revision = std::max(*from, store_.revision());
  watch.stream.send(lines);
}

void Watches::deliver(const std::vector<Change>& changes, Now now) {
  drop_closed();
  for (const std::unique_ptr<Watch>& watch : watches_) {
    std::string lines;
    for (const Change& change : changes) {
      if (change.revision <= watch->revision) continue;
      watch->revision = change.revision;
      if (const auto event = event_for(change, watch->selection))
        lines += watch->render(*event, now.wall);
    }
    // Whoever does not read what it asked for must not hold memory for it.
    if (!lines.empty() && watch->stream.unread_bytes() > limits_.buffer_bytes_max)
      watch->stream.abort();
    watch->stream.send(lines);
  }
}

void Watches::expire(const ApiError& error) {
  for (const std::unique_ptr<Watch>& watch : watches_) watch->end_with(error);
  drop_closed();
}

void Watches::tick(Instant now) {
  for (const std::unique_ptr<Watch>& watch : watches_) {
    if (watch->ends_at <= now) {
      watch->end();
    } else if (watch->bookmark_at <= now) {
      watch->bookmark_at = now + limits_.bookmark_interval;
      if (watch->wants_bookmarks) watch->send_bookmark();
    }
  }
  drop_closed();
}

std::optional<Instant> Watches::next_due() const {
  std::optional<Instant> due;
  for (const std::unique_ptr<Watch>& watch : watches_) {
    const Instant next = std::min(watch->ends_at, watch->bookmark_at);
    if (!due || next < *due) due = next;
  }
  return due;
}

void Watches::end_all() {
  for (const std::unique_ptr<Watch>& watch : watches_) watch->end();
  drop_closed();
}

void Watches::drop_closed() {
  std::erase_if(watches_, [](const auto& watch) { return !watch->stream.is_open(); });
}

}  // namespace ray_gitops::local_cluster
