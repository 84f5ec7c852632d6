#pragma once
// Building a directory tree that is to become a root: every path is resolved inside of it, also
// through symbolic links that a pod has left in a volume.

#include <string>

#include "agent/local_cluster/kubelet/process.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

class RootTree {
 public:
  // `path` is a directory that exists.
  static Result<RootTree> open(const std::string& path);

  Result<FileDescriptor> find(const std::string& path, int flags) const;
  bool contains(const std::string& path) const;
  // With its parents. A read-only directory of the host on the way is first expanded.
  Result<void> make_directory(const std::string& path);
  Result<void> write_file(const std::string& path, const std::string& content);
  Result<void> make_link(const std::string& path, const std::string& target);
  // Covers a bound directory by a writable one that shows the same entries.
  Result<void> expand(const std::string& path);

  // Binds a file or directory of the host with everything mounted below it. The target is made.
  Result<void> bind(const std::string& host_path, const std::string& path, bool read_only);
  Result<void> bind(const FileDescriptor& source, const std::string& path, bool read_only);
  // Mounts a file system on a directory that exists.
  Result<void> mount_filesystem(const std::string& path, const std::string& type,
                                unsigned long flags, const std::string& options);
  Result<void> make_read_only(const std::string& path);

 private:
  explicit RootTree(FileDescriptor root) : root_(std::move(root)) {}

  FileDescriptor root_;
};

// A path that names the same file as the descriptor, for calls that want a path.
std::string path_of(const FileDescriptor& descriptor);

}  // namespace ray_gitops::local_cluster
