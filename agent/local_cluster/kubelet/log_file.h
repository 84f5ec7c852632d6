#pragma once
// The output of one run of one container, in a file of bounded size.

#include <cstddef>
#include <string>
#include <string_view>

#include "agent/local_cluster/kubelet/process.h"

namespace ray_gitops::local_cluster {

// A full file is renamed to <path>.1, which replaces the one before: twice this is kept.
constexpr std::size_t k_log_bytes_max = 10UL * 1024 * 1024;

class LogFile {
 public:
  explicit LogFile(std::string path, std::size_t bytes_max = k_log_bytes_max);

  // What cannot be written (a full disk) is lost: a pod's output never stops the pod.
  void write(std::string_view bytes);

 private:
  void open();

  std::string path_;
  std::size_t bytes_max_;
  std::size_t size_ = 0;
  FileDescriptor file_;
};

}  // namespace ray_gitops::local_cluster
