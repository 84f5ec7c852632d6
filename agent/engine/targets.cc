#include "agent/engine/targets.h"

namespace ray_gitops::engine {

void Targets::assign(const ResourceKey& target, const ObjectKey& owner) {
  const auto known = owners_.find(target);
  if (known != owners_.end() && known->second == owner) return;
  erase(target);
  owners_.emplace(target, owner);
  targets_[owner].insert(target);
}

void Targets::erase(const ResourceKey& target) {
  const auto known = owners_.find(target);
  if (known == owners_.end()) return;
  const auto owned = targets_.find(known->second);
  owned->second.erase(target);
  if (owned->second.empty()) targets_.erase(owned);
  owners_.erase(known);
}

std::optional<ObjectKey> Targets::owner_of(const ResourceKey& target) const {
  const auto known = owners_.find(target);
  return known == owners_.end() ? std::nullopt : std::optional(known->second);
}

const std::set<ResourceKey>& Targets::of(const ObjectKey& owner) const {
  static const std::set<ResourceKey> k_none;
  const auto owned = targets_.find(owner);
  return owned == targets_.end() ? k_none : owned->second;
}

}  // namespace ray_gitops::engine
