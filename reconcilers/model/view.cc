#include "reconcilers/model/view.h"

namespace ray_gitops {

const ObjectMeta& meta_of(const ResourceView& view) {
  return std::visit([](const auto& object) -> const ObjectMeta& { return object.meta; }, view);
}

bool has_failed(const PodView& pod) {
  const bool ended = pod.phase == PodPhase::Failed || pod.phase == PodPhase::Succeeded;
  return ended || (pod.ray_terminated && !pod.restarts_in_place);
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
