#pragma once
// The open watches: what each of them looks at, and what it has been told.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agent/local_cluster/store/api.h"
#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/time.h"

struct evhttp_request;

namespace ray_gitops::local_cluster {

struct WatchLimits {
  Duration bookmark_interval;
  std::size_t buffer_bytes_max = 0;
};

class Watches {
 public:
  explicit Watches(const Store& store, WatchLimits limits);
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;
  ~Watches();

  // How many are open.
  std::size_t size();
  // Answers the request with the state or the changes it asks for and keeps the stream. The store
  // must be at the revision up to which deliver() was called.
  void start(evhttp_request* request, const ApiRequest& asked, Now now);
  // The changes since the last call, in order.
  void deliver(const std::vector<Change>& changes, Now now);
  // Changes were lost: every watch ends with Expired.
  void expire(const ApiError& error);
  // Sends the bookmarks that are due and ends the watches whose time is over.
  void tick(Instant now);
  std::optional<Instant> next_due() const;
  // Ends all with a bookmark.
  void end_all();

 private:
  struct Watch;
  void drop_closed();
  void start_from(Watch& watch, const ApiRequest& asked, Now now);

  const Store& store_;
  WatchLimits limits_;
  std::vector<std::unique_ptr<Watch>> watches_;
};

}  // namespace ray_gitops::local_cluster
