#pragma once
// Which object's write a target is the target of, both ways.

#include <map>
#include <optional>
#include <set>

#include "reconcilers/model/object_key.h"

namespace ray_gitops::engine {

class Targets {
 public:
  // From now on it is this object's, whosever it was.
  void assign(const ResourceKey& target, const ObjectKey& owner);
  void erase(const ResourceKey& target);

  std::optional<ObjectKey> owner_of(const ResourceKey& target) const;
  const std::set<ResourceKey>& of(const ObjectKey& owner) const;

 private:
  std::map<ResourceKey, ObjectKey> owners_;
  std::map<ObjectKey, std::set<ResourceKey>> targets_;
};

}  // namespace ray_gitops::engine
