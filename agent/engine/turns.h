#pragma once
// Objects that have more to write than there is room for, each in its turn.

#include <cstddef>
#include <deque>
#include <optional>
#include <set>

#include "reconcilers/model/object_key.h"

namespace ray_gitops::engine {

class Turns {
 public:
  // Waits behind those that wait already; nothing when it does.
  void join(const ObjectKey& key);
  void leave(const ObjectKey& key);
  // The one whose turn it is; it waits no more. nullopt: nobody waits.
  std::optional<ObjectKey> next();
  std::size_t size() const { return waiting_.size(); }

  // Of so much room, what is due to one of `waiting` that want some of it: at least one.
  static std::size_t share(std::size_t room, std::size_t waiting);

 private:
  std::deque<ObjectKey> order_;
  std::set<ObjectKey> waiting_;
};

}  // namespace ray_gitops::engine
