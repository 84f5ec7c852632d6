#include "agent/local_cluster/kubelet/image.h"

#include <cctype>
#include <filesystem>

namespace ray_gitops::local_cluster {
namespace {

bool is_digit(char letter) { return std::isdigit(static_cast<unsigned char>(letter)) != 0; }

// The leading "1.2.3", or nullopt.
std::optional<std::string> leading_version(std::string_view tag) {
  std::size_t end = 0;
  int dots = 0;
  while (end < tag.size() && (is_digit(tag[end]) || (tag[end] == '.' && dots < 2))) {
    if (tag[end] == '.') ++dots;
    ++end;
  }
  const bool complete = dots == 2 && is_digit(tag[0]) && is_digit(tag[end - 1]) &&
                        tag.substr(0, end).find("..") == std::string_view::npos;
  const bool separated = end == tag.size() || tag[end] == '-' || tag[end] == '.';
  if (!complete || !separated) return std::nullopt;
  return std::string(tag.substr(0, end));
}

std::string join_versions(const RayEnvironments& environments) {
  std::string result;
  for (const auto& [version, directory] : environments) {
    result += (result.empty() ? "" : ", ") + version;
  }
  return result.empty() ? "none" : result;
}

}  // namespace

std::optional<std::string> parse_ray_version(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
  const auto colon = last.find(':');
  if (colon == std::string_view::npos || !last.starts_with("ray")) return std::nullopt;
  return leading_version(last.substr(colon + 1));
}

Result<std::string> choose_environment(std::string_view image,
                                       const RayEnvironments& environments) {
  const std::string available = "; Ray environments of this host: " + join_versions(environments);
  const auto version = parse_ray_version(image);
  if (!version) {
    return fail(
        ErrorCode::NotFound,
        "the local cluster pulls no images and runs only rayproject/ray:<version>" + available,
        std::string(image));
  }
  const auto found = environments.find(*version);
  if (found == environments.end()) {
    return fail(ErrorCode::NotFound, "no environment with Ray " + *version + available,
                std::string(image));
  }
  return found->second;
}

Result<std::string> read_installed_ray_version(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (const auto& python : fs::directory_iterator(fs::path(directory) / "lib", ignored)) {
    if (!python.path().filename().string().starts_with("python3")) continue;
    for (const auto& entry : fs::directory_iterator(python.path() / "site-packages", ignored)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("ray-") || !name.ends_with(".dist-info")) continue;
      const auto version = leading_version(std::string_view(name).substr(4, name.size() - 4 - 10));
      if (version) return *version;
    }
  }
  return fail(ErrorCode::NotFound, "no Ray is installed there", directory);
}

RayEnvironments read_ray_environments(const std::string& directory) {
  RayEnvironments result;
  if (const auto version = read_installed_ray_version(directory))
    result.emplace(*version, directory);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const auto version = read_installed_ray_version(entry.path().string());
    if (version) result.emplace(*version, entry.path().string());
  }
  return result;
}

}  // namespace ray_gitops::local_cluster
