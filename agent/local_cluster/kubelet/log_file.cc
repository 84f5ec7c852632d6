#include "agent/local_cluster/kubelet/log_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/pod_directory.h"

namespace ray_gitops::local_cluster {

LogFile::LogFile(std::string path, std::size_t bytes_max)
    : path_(std::move(path)), bytes_max_(bytes_max) {
  open();
}

void LogFile::open() {
  size_ = 0;
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

void LogFile::write(std::string_view bytes) {
  if (size_ + bytes.size() > bytes_max_) {
    std::rename(path_.c_str(), (path_ + ".1").c_str());
    open();
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    size_ += static_cast<std::size_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<std::string> find_log(const PodDirectory& directory, const std::string& container,
                             bool previous) {
  std::vector<std::int64_t> runs;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory.logs(container), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".log")) continue;
    std::int64_t run = 0;
    if (std::from_chars(name.data(), name.data() + name.size() - 4, run).ec == std::errc{}) {
      runs.push_back(run);
    }
  }
  std::sort(runs.rbegin(), runs.rend());
  const std::size_t wanted = previous ? 1 : 0;
  if (runs.size() <= wanted) {
    return fail(ErrorCode::NotFound, previous ? "the container has no previous run"
                                              : "the container has not started yet");
  }
  return directory.log(container, runs[wanted]);
}

}  // namespace ray_gitops::local_cluster
