#pragma once
// Golden files: what a case must give stands beside it. RAY_GITOPS_UPDATE_GOLDEN=1 rewrites them.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ray_gitops::test {

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline bool updates_golden() { return std::getenv("RAY_GITOPS_UPDATE_GOLDEN") != nullptr; }

inline void expect_golden(const std::filesystem::path& path, const std::string& text) {
  if (updates_golden()) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  EXPECT_EQ(read_text(path), text) << path << " (RAY_GITOPS_UPDATE_GOLDEN=1 rewrites it)";
}

// The folders of a folder, in order of name.
inline std::vector<std::filesystem::path> cases_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory()) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  return cases;
}

}  // namespace ray_gitops::test
