#include "agent/local_cluster/kubelet/root_tree.h"

#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ray_gitops::local_cluster {
namespace {

constexpr const char* k_expansion_options = "size=1m,mode=0755";

Result<FileDescriptor> open_inside(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const std::string relative = path == "/" || path.empty() ? "." : path;
  const long fd = syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
  if (fd < 0) return fail_with_errno(path);
  return FileDescriptor(static_cast<int>(fd));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string name_in_parent(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<void> bind_path(const std::string& source, const std::string& target) {
  if (mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return fail_with_errno("bind mount of " + source);
  }
  return {};
}

Result<void> copy_link(int from, int to, const char* name) {
  std::array<char, PATH_MAX> target{};
  if (readlinkat(from, name, target.data(), target.size() - 1) < 0) return fail_with_errno(name);
  if (symlinkat(target.data(), to, name) != 0) return fail_with_errno(name);
  return {};
}

// One entry of an expanded directory: the same entry as before, in a directory that is writable.
Result<void> carry_entry(const FileDescriptor& from, const FileDescriptor& to, const char* name) {
  struct stat entry{};
  if (fstatat(from.get(), name, &entry, AT_SYMLINK_NOFOLLOW) != 0) return {};
  if (S_ISLNK(entry.st_mode)) return copy_link(from.get(), to.get(), name);
  if (S_ISDIR(entry.st_mode)) {
    if (mkdirat(to.get(), name, 0755) != 0) return fail_with_errno(name);
  } else if (S_ISREG(entry.st_mode)) {
    const FileDescriptor file(openat(to.get(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!file.is_open()) return fail_with_errno(name);
  } else {
    return {};
  }
  return bind_path(path_of(from) + "/" + name, path_of(to) + "/" + name);
}

}  // namespace

std::string path_of(const FileDescriptor& descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor.get());
}

Result<RootTree> RootTree::open(const std::string& path) {
  FileDescriptor root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return fail_with_errno(path);
  return RootTree(std::move(root));
}

Result<FileDescriptor> RootTree::find(const std::string& path, int flags) const {
  return open_inside(root_.get(), path, flags);
}

bool RootTree::contains(const std::string& path) const { return find(path, O_PATH).has_value(); }

Result<void> RootTree::make_directory(const std::string& path) {
  if (find(path, O_PATH | O_DIRECTORY)) return {};
  const std::string parent = parent_of(path);
  if (parent != "/") {
    TRY(make_directory(parent));
  }
  const std::string name = name_in_parent(path);
  FileDescriptor directory = TRY(find(parent, O_PATH | O_DIRECTORY));
  if (mkdirat(directory.get(), name.c_str(), 0755) == 0) return {};
  if (errno != EROFS) return fail_with_errno(path);
  TRY(expand(parent));
  directory = TRY(find(parent, O_PATH | O_DIRECTORY));
  if (mkdirat(directory.get(), name.c_str(), 0755) != 0) return fail_with_errno(path);
  return {};
}

Result<void> RootTree::write_file(const std::string& path, const std::string& content) {
  TRY(make_directory(parent_of(path)));
  FileDescriptor directory = TRY(find(parent_of(path), O_PATH | O_DIRECTORY));
  const std::string name = name_in_parent(path);
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  FileDescriptor file(openat(directory.get(), name.c_str(), flags, 0644));
  if (!file.is_open() && errno == EROFS) {
    TRY(expand(parent_of(path)));
    directory = TRY(find(parent_of(path), O_PATH | O_DIRECTORY));
    file = FileDescriptor(openat(directory.get(), name.c_str(), flags, 0644));
  }
  if (!file.is_open()) return fail_with_errno(path);
  if (write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    return fail_with_errno(path);
  }
  return {};
}

Result<void> RootTree::make_link(const std::string& path, const std::string& target) {
  const FileDescriptor directory = TRY(find(parent_of(path), O_PATH | O_DIRECTORY));
  if (symlinkat(target.c_str(), directory.get(), name_in_parent(path).c_str()) != 0) {
    return fail_with_errno(path);
  }
  return {};
}

Result<void> RootTree::expand(const std::string& path) {
  const FileDescriptor old = TRY(find(path, O_RDONLY | O_DIRECTORY));
  TRY(mount_filesystem(path, "tmpfs", MS_NOSUID | MS_NODEV, k_expansion_options));
  const FileDescriptor cover = TRY(find(path, O_PATH | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(dup(old.get())), closedir);
  if (!entries) return fail_with_errno(path);
  while (const dirent* entry = readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    TRY(carry_entry(old, cover, entry->d_name));
  }
  return {};
}

Result<void> RootTree::bind(const std::string& host_path, const std::string& path, bool read_only) {
  const FileDescriptor source(::open(host_path.c_str(), O_PATH | O_CLOEXEC));
  if (!source.is_open()) return fail_with_errno(host_path);
  return bind(source, path, read_only);
}

Result<void> RootTree::bind(const FileDescriptor& source, const std::string& path, bool read_only) {
  struct stat kind{};
  if (fstat(source.get(), &kind) != 0) return fail_with_errno(path);
  if (!S_ISDIR(kind.st_mode) && !contains(path)) {
    TRY(write_file(path, ""));
  } else if (S_ISDIR(kind.st_mode)) {
    TRY(make_directory(path));
  }
  const FileDescriptor target = TRY(find(path, O_PATH));
  auto bound = bind_path(path_of(source), path_of(target));
  if (!bound || !read_only) return bound;
  return make_read_only(path);
}

Result<void> RootTree::mount_filesystem(const std::string& path, const std::string& type,
                                        unsigned long flags, const std::string& options) {
  const FileDescriptor target = TRY(find(path, O_PATH));
  if (mount(type.c_str(), path_of(target).c_str(), type.c_str(), flags, options.c_str()) != 0) {
    return fail_with_errno("mount of " + type + " on " + path);
  }
  return {};
}

Result<void> RootTree::make_read_only(const std::string& path) {
  const FileDescriptor target = TRY(find(path, O_PATH));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
  if (mount_setattr(target.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                    sizeof attributes) != 0) {
    return fail_with_errno("read-only mount of " + path);
  }
  return {};
}

}  // namespace ray_gitops::local_cluster
