#include "reconcilers/declaration/source_tree.h"

#include <charconv>
#include <cstddef>

namespace ray_gitops {
namespace {

const SourceNode* find_item(const SourceNode& node, const std::string& step) {
  if (step.size() < 3 || step.front() != '[') return nullptr;
  std::size_t index = 0;
  const auto read = std::from_chars(step.data() + 1, step.data() + step.size() - 1, index);
  const bool exists = read.ec == std::errc{} && index < node.items.size();
  return exists ? node.items[index].get() : nullptr;
}

}  // namespace

Location locate(const SourceNode& root, const Path& path) {
  Location location{root.start, &root};
  for (const std::string& step : path.steps) {
    const auto member = location.node->members.find(step);
    if (member != location.node->members.end()) {
      location = {member->second.key, member->second.node.get()};
    } else if (const SourceNode* item = find_item(*location.node, step)) {
      location = {item->start, item};
    } else {
      break;
    }
  }
  return location;
}

}  // namespace ray_gitops
