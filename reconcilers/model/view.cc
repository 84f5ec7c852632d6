#include "reconcilers/model/view.h"

namespace ray_gitops {

const ObjectMeta& meta_of(const ResourceView& view) {
  return std::visit([](const auto& object) -> const ObjectMeta& { return object.meta; }, view);
}

}  // namespace ray_gitops
