#pragma once
// Where the Git child of a command works that only reads.

#include <optional>
#include <string>

#include "agent/app/files.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::app {

// A folder for the Git child that is not the agent's, which may be at work in its own: kept between
// two calls, so that only what is new is fetched, or a temporary one while another call has that.
class GitFolder {
 public:
  // `command` is what asks for it, `url` the repository.
  static Result<GitFolder> take(const std::string& command, const std::string& url);
  GitFolder(GitFolder&& other) noexcept;
  GitFolder& operator=(GitFolder&&) = delete;
  ~GitFolder();

  const std::string& path() const { return path_; }

 private:
  GitFolder(std::string path, std::optional<FileLock> lock);

  std::string path_;
  std::optional<FileLock> lock_;
};

}  // namespace ray_gitops::app
