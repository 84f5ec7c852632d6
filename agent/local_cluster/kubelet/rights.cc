#include "agent/local_cluster/kubelet/rights.h"

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/local_cluster/kubelet/process.h"

namespace ray_gitops::local_cluster {
namespace {

constexpr std::size_t k_status_bytes_max = 64UL * 1024;

struct Right {
  int capability;
  const char* name;
  const char* needed_for;
};
constexpr Right k_rights[] = {
    {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "the pods' own mounts, processes and hostnames"},
    {CAP_NET_ADMIN, "CAP_NET_ADMIN", "the pods' own addresses and the bridge between them"},
    {CAP_SETUID, "CAP_SETUID", "running pods as an unprivileged user"},
    {CAP_SETGID, "CAP_SETGID", "running pods as an unprivileged user"},
    {CAP_CHOWN, "CAP_CHOWN", "the pods' files"},
    {CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "finding the processes that a container leaves behind"},
    {CAP_KILL, "CAP_KILL", "stopping pods"}};

Result<std::uint64_t> read_capabilities() {
  const std::string status = TRY(read_file("/proc/self/status", k_status_bytes_max));
  const std::string field = "\nCapEff:\t";
  const auto start = status.find(field);
  std::uint64_t mask = 0;
  if (start == std::string::npos ||
      std::from_chars(status.data() + start + field.size(), status.data() + status.size(), mask, 16)
              .ec != std::errc{}) {
    return fail(ErrorCode::Unavailable, "cannot read the rights of this process");
  }
  return mask;
}

}  // namespace

Result<void> check_rights() {
  const std::uint64_t held = TRY(read_capabilities());
  for (const Right& right : k_rights) {
    if ((held >> right.capability & 1U) != 0) continue;
    return fail(ErrorCode::Forbidden,
                std::string("the local cluster needs ") + right.name + " for " + right.needed_for +
                    ": start it as root (sudo), or in a container with --privileged");
  }
  // An empty change: refused for its arguments where the kernel knows the call (Linux 5.12).
  if (syscall(SYS_mount_setattr, -1, nullptr, 0, nullptr, 0) != 0 && errno == ENOSYS) {
    return fail(ErrorCode::Forbidden, "the local cluster needs Linux 5.12 or newer");
  }
  if (!run_program({"ip", "-Version"})) {
    return fail(ErrorCode::Forbidden,
                "the local cluster needs the program ip: install the package iproute2");
  }
  return {};
}

}  // namespace ray_gitops::local_cluster
