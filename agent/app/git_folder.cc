#include "agent/app/git_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "agent/app/config.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::app {
namespace fs = std::filesystem;

GitFolder::GitFolder(std::string path, std::optional<FileLock> lock)
    : path_(std::move(path)), lock_(std::move(lock)) {}

GitFolder::GitFolder(GitFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

Result<GitFolder> GitFolder::take(const std::string& command, const std::string& url) {
  constexpr std::size_t k_digits = 16;
  // No agent's folder has this name: ids are DNS labels.
  const std::string kept = cache_home() + "/." + command + "/" + short_hash(url, k_digits);
  if (make_private_directory(kept))
    if (Result<FileLock> lock = FileLock::take(kept + "/lock"))
      return GitFolder{kept, std::move(*lock)};
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return fail(ErrorCode::Unavailable, "there is no folder to write to", error.message());
  std::string made = (parent / ("ray-gitops-" + command + "-XXXXXX")).string();
  if (::mkdtemp(made.data()) == nullptr)
    return fail(ErrorCode::Unavailable, "there is no folder to write to", made);
  return GitFolder{made, std::nullopt};
}

GitFolder::~GitFolder() {
  std::error_code error;
  if (!lock_ && !path_.empty()) fs::remove_all(path_, error);
}

}  // namespace ray_gitops::app
