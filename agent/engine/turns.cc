#include "agent/engine/turns.h"

#include <algorithm>
#include <utility>

namespace ray_gitops::engine {

void Turns::join(const ObjectKey& key) {
  if (waiting_.insert(key).second) order_.push_back(key);
}

void Turns::leave(const ObjectKey& key) {
  if (waiting_.erase(key) > 0) std::erase(order_, key);
}

std::optional<ObjectKey> Turns::next() {
  if (order_.empty()) return std::nullopt;
  ObjectKey key = std::move(order_.front());
  order_.pop_front();
  waiting_.erase(key);
  return key;
}

std::size_t Turns::share(std::size_t room, std::size_t waiting) {
  if (room == 0) return 0;
  return std::max<std::size_t>(1, room / std::max<std::size_t>(1, waiting));
}

}  // namespace ray_gitops::engine
