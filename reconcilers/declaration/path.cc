#include "reconcilers/declaration/path.h"

namespace ray_gitops {

Path Path::operator/(std::string_view key) const {
  Path longer = *this;
  longer.steps.emplace_back(key);
  return longer;
}

Path Path::operator/(std::size_t index) const { return *this / index_step(index); }

std::string index_step(std::size_t index) { return "[" + std::to_string(index) + "]"; }

std::string dotted(const Path& path) {
  std::string text;
  for (const std::string& step : path.steps) {
    const bool is_index = !step.empty() && step.front() == '[';
    if (!text.empty() && !is_index) text += '.';
    text += step;
  }
  return text.empty() ? "the document" : text;
}

}  // namespace ray_gitops
