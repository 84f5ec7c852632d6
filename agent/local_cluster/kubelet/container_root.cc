#include "agent/local_cluster/kubelet/container_root.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/root_tree.h"

namespace ray_gitops::local_cluster {
namespace {

namespace fs = std::filesystem;

// What a pod sees of the host, read-only: programs and their settings, nobody's data.
constexpr const char* k_host_directories[] = {"usr",  "etc", "opt",   "nix",   "bin",
                                              "sbin", "lib", "lib32", "lib64", "libx32"};
// Of /etc: about the host's users and network, replaced by the pod's own or by nothing.
constexpr const char* k_hidden_settings[] = {
    "hosts",   "hostname", "resolv.conf", "passwd",   "group",   "shadow", "gshadow",
    "passwd-", "group-",   "shadow-",     "gshadow-", "sudoers", "ssh"};
constexpr const char* k_devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
// As container runtimes have it: even root of a container changes nothing of the host's kernel.
constexpr const char* k_read_only_proc[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                            "/proc/sysrq-trigger"};
constexpr const char* k_masked_proc[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list"};

Result<void> make_host_directory(const std::string& path, mode_t mode) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return fail(ErrorCode::Unavailable, failed.message(), path);
  if (chmod(path.c_str(), mode) != 0) return fail_with_errno(path);
  return {};
}

Result<void> write_volume_file(const std::string& volume, const VolumeFile& file, gid_t group) {
  const fs::path path = fs::path(volume) / file.path;
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) return fail(ErrorCode::Unavailable, failed.message(), path.string());
  TRY(write_file(path.string(), file.content));
  if (chown(path.c_str(), 0, group) != 0) return fail_with_errno(path.string());
  if (chmod(path.c_str(), static_cast<mode_t>(file.mode)) != 0) {
    return fail_with_errno(path.string());
  }
  return {};
}

Result<void> prepare_volume(const VolumePlan& volume, const PodProcessPlan& plan,
                            const PodDirectory& directory) {
  const std::string path = directory.volume(volume.name);
  const gid_t group = plan.volume_group.value_or(0);
  if (volume.kind == VolumeKind::Files) {
    TRY(make_host_directory(path, 0755));
    for (const VolumeFile& file : volume.files) TRY(write_volume_file(path, file, group));
    return {};
  }
  TRY(make_host_directory(path, 0777));
  if (volume.kind == VolumeKind::Memory) {
    std::string options = "mode=0777";
    if (volume.bytes_max > 0) options += ",size=" + std::to_string(volume.bytes_max);
    if (mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
      return fail_with_errno("memory volume " + volume.name);
    }
  }
  if (!plan.volume_group) return {};
  if (chown(path.c_str(), 0, group) != 0) return fail_with_errno(path);
  if (chmod(path.c_str(), 02777) != 0) return fail_with_errno(path);
  return {};
}

// The host's top: links as they are (/bin -> usr/bin), directories bound read-only.
Result<void> bind_host_directories(RootTree& tree) {
  for (const char* name : k_host_directories) {
    const fs::path path = fs::path("/") / name;
    std::error_code failed;
    const fs::file_status status = fs::symlink_status(path, failed);
    if (fs::is_symlink(status)) {
      const fs::path target = fs::read_symlink(path, failed);
      TRY(tree.make_link(path.string(), target.string()));
    } else if (fs::is_directory(status)) {
      TRY(tree.bind(path.string(), path.string(), true));
    }
  }
  return {};
}

Result<void> make_settings(RootTree& tree, const PodProcessPlan& plan,
                           const ContainerPlan& container, const PodDirectory& directory) {
  TRY(tree.expand("/etc"));
  const FileDescriptor etc = TRY(tree.find("/etc", O_PATH | O_DIRECTORY));
  for (const char* name : k_hidden_settings) {
    const std::string path = path_of(etc) + "/" + name;
    umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);  // fails for a link, which is no mount
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  const std::string user = std::to_string(container.user);
  const std::string group = std::to_string(container.group);
  std::string users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
  std::string groups = "root:x:0:\nnogroup:x:65534:\n";
  if (container.user != 0) users += "ray:x:" + user + ":" + group + "::/home/ray:/bin/bash\n";
  if (container.group != 0) groups += "ray:x:" + group + ":\n";
  TRY(tree.write_file("/etc/passwd", users));
  TRY(tree.write_file("/etc/group", groups));
  TRY(tree.write_file("/etc/hostname", plan.hostname + "\n"));
  // There is no name server to wait for.
  TRY(tree.write_file("/etc/resolv.conf", ""));
  return tree.bind(directory.hosts(), "/etc/hosts", true);
}

Result<void> make_devices(RootTree& tree, const PodDirectory& directory) {
  TRY(tree.make_directory("/dev"));
  TRY(tree.mount_filesystem("/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=0755"));
  for (const char* name : k_devices) {
    TRY(tree.bind(std::string("/dev/") + name, std::string("/dev/") + name, false));
  }
  TRY(tree.make_directory("/dev/pts"));
  TRY(tree.mount_filesystem("/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                            "newinstance,ptmxmode=0666,mode=0620"));
  TRY(tree.make_link("/dev/ptmx", "pts/ptmx"));
  TRY(tree.make_link("/dev/fd", "/proc/self/fd"));
  TRY(tree.make_link("/dev/stdin", "/proc/self/fd/0"));
  TRY(tree.make_link("/dev/stdout", "/proc/self/fd/1"));
  TRY(tree.make_link("/dev/stderr", "/proc/self/fd/2"));
  return tree.bind(directory.shared_memory(), "/dev/shm", false);
}

Result<void> make_kernel_views(RootTree& tree) {
  TRY(tree.bind("/sys", "/sys", true));
  TRY(tree.make_directory("/proc"));
  TRY(tree.mount_filesystem("/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""));
  for (const char* path : k_read_only_proc) {
    if (!tree.contains(path)) continue;
    const FileDescriptor source = TRY(tree.find(path, O_PATH));
    TRY(tree.bind(source, path, true));
  }
  for (const char* path : k_masked_proc) {
    if (tree.contains(path)) TRY(tree.bind("/dev/null", path, false));
  }
  return {};
}

Result<void> make_writable_places(RootTree& tree, const ContainerPlan& container,
                                  const PodDirectory& directory) {
  const std::string own = directory.container(container.name);
  for (const char* path : {"/run", "/var/lib", "/var/log", "/var/cache", "/root", "/mnt"}) {
    TRY(tree.make_directory(path));
  }
  TRY(tree.make_link("/var/run", "/run"));
  TRY(tree.bind(own + "/tmp", "/tmp", false));
  TRY(tree.bind(own + "/var-tmp", "/var/tmp", false));
  return tree.bind(own + "/home", "/home/ray", false);
}

// The installation a program of an environment belongs to: a virtual environment's python is a link
// to the one it was made with.
std::vector<std::string> program_directories(const std::string& environment) {
  std::vector<std::string> result = {environment};
  std::error_code failed;
  const fs::path python = fs::canonical(fs::path(environment) / "bin" / "python3", failed);
  if (!failed) result.push_back(python.parent_path().parent_path().string());
  return result;
}

Result<void> show_environment(RootTree& tree, const PodProcessPlan& plan,
                              const ContainerPlan& container) {
  for (const std::string& path : plan.hidden) {
    if (!tree.contains(path)) continue;
    TRY(tree.mount_filesystem(path, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755"));
  }
  for (const std::string& path : program_directories(container.ray_environment)) {
    if (!tree.contains(path)) TRY(tree.bind(path, path, true));
  }
  return {};
}

Result<void> mount_volume(RootTree& tree, const MountPlan& mount, const PodDirectory& directory) {
  RootTree volume = TRY(RootTree::open(directory.volume(mount.volume)));
  const std::string inside = "/" + mount.sub_path;
  if (!volume.contains(inside)) TRY(volume.make_directory(inside));
  const FileDescriptor source = TRY(volume.find(inside, O_PATH));
  return tree.bind(source, mount.path, mount.read_only);
}

Result<void> make_working_directory(RootTree& tree, const ContainerPlan& container) {
  if (tree.contains(container.working_directory)) return {};
  TRY(tree.make_directory(container.working_directory));
  const FileDescriptor made = TRY(tree.find(container.working_directory, O_RDONLY | O_DIRECTORY));
  if (fchown(made.get(), container.user, container.group) != 0) {
    return fail_with_errno(container.working_directory);
  }
  return {};
}

// The tree becomes the root; the host's root is let go.
Result<void> change_root(const std::string& path) {
  if (chdir(path.c_str()) != 0) return fail_with_errno("chdir");
  if (syscall(SYS_pivot_root, ".", ".") != 0) return fail_with_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_with_errno("umount of the host's root");
  if (chdir("/") != 0) return fail_with_errno("chdir");
  return {};
}

}  // namespace

Result<void> prepare_pod_mounts(const PodProcessPlan& plan, const PodDirectory& directory) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_with_errno("private mounts");
  }
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail_with_errno("mount of /proc");
  }
  TRY(make_host_directory(directory.root(), 0755));
  TRY(make_host_directory(directory.shared_memory(), 0755));
  const std::string options = std::string("mode=1777,size=") + k_default_shared_memory_size;
  if (mount("tmpfs", directory.shared_memory().c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
            options.c_str()) != 0) {
    return fail_with_errno("mount of /dev/shm");
  }
  for (const VolumePlan& volume : plan.volumes) TRY(prepare_volume(volume, plan, directory));
  return {};
}

Result<void> reset_container_files(const ContainerPlan& container, const PodDirectory& directory) {
  const std::string own = directory.container(container.name);
  std::error_code failed;
  fs::remove_all(own, failed);
  if (failed) return fail(ErrorCode::Unavailable, failed.message(), own);
  TRY(make_host_directory(own, 0755));
  TRY(make_host_directory(own + "/tmp", 01777));
  TRY(make_host_directory(own + "/var-tmp", 01777));
  TRY(make_host_directory(own + "/home", 0755));
  if (chown((own + "/home").c_str(), container.user, container.group) != 0) {
    return fail_with_errno(own);
  }
  return {};
}

Result<void> enter_container_root(const PodProcessPlan& plan, const ContainerPlan& container,
                                  const PodDirectory& directory) {
  if (unshare(CLONE_NEWNS) != 0) return fail_with_errno("a mount namespace");
  const std::string options = std::string("mode=0755,size=") + k_root_size;
  if (mount("tmpfs", directory.root().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) !=
      0) {
    return fail_with_errno("mount of the container's root");
  }
  RootTree tree = TRY(RootTree::open(directory.root()));
  TRY(bind_host_directories(tree));
  TRY(make_settings(tree, plan, container, directory));
  TRY(make_kernel_views(tree));
  TRY(make_devices(tree, directory));
  TRY(make_writable_places(tree, container, directory));
  TRY(show_environment(tree, plan, container));
  for (const MountPlan& mount : container.mounts) TRY(mount_volume(tree, mount, directory));
  TRY(make_working_directory(tree, container));
  return change_root(directory.root());
}

}  // namespace ray_gitops::local_cluster
