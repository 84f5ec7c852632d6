#include "reconcilers/model/view.h"

namespace ray_gitops {

const ObjectMeta& meta_of(const ResourceView& view) {
  return std::visit([](const auto& object) -> const ObjectMeta& { return object.meta; }, view);
}

FieldOwnership ownership_of(const ResourceView& view) {
  return std::visit(
      [](const auto& object) {
        if constexpr (requires { object.fields; }) return object.fields;
        return FieldOwnership{};
      },
      view);
}

}  // namespace ray_gitops
