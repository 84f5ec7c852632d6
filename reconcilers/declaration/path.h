#pragma once
// A way into a YAML or JSON document: keys and list indexes from its root.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ray_gitops {

struct Path {
  std::vector<std::string> steps;  // a key as it is, or "[3]" for the fourth item of a list

  Path operator/(std::string_view key) const;
  Path operator/(std::size_t index) const;
  auto operator<=>(const Path&) const = default;
};

std::string index_step(std::size_t index);
// "spec.workerGroupSpecs[0].groupName"; "the document" for the root.
std::string dotted(const Path& path);

}  // namespace ray_gitops
