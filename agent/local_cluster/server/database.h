#pragma once
// The objects on disk: one SQLite file, written in one transaction a turn.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/local_cluster/store/store.h"
#include "reconcilers/model/document.h"
#include "reconcilers/model/result.h"

struct sqlite3;

namespace ray_gitops::local_cluster {

struct SavedObjects {
  std::int64_t revision = 0;
  std::vector<Document> objects;
};

class Database {
 public:
  // Opens or makes `path`. Unavailable when it cannot be used, also when another process has it
  // open; InvalidInput when it is no database of ours.
  static Result<Database> open(const std::string& path);

  Result<SavedObjects> load() const;
  // All of it or nothing. Durable against a crash of this process; against a power cut up to the
  // last checkpoint (synchronous=NORMAL).
  Result<void> save(const Unsaved& unsaved);

 private:
  struct Closer {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(std::unique_ptr<sqlite3, Closer> handle) : handle_(std::move(handle)) {}
  std::unique_ptr<sqlite3, Closer> handle_;
};

}  // namespace ray_gitops::local_cluster
