#pragma once
// What is to be run for one pod, with nothing left to look up: made by the kubelet (pod_plan.h),
// written to the pod's directory, read by its supervisor.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

enum class RestartPolicy : std::uint8_t { Always, OnFailure, Never };

// In the order in which they are set; a later one of the same name has replaced the earlier.
using Environment = std::vector<std::pair<std::string, std::string>>;

struct VolumeFile {
  std::string path;  // below the volume, without ".."
  std::string content;
  int mode = 0644;
};

enum class VolumeKind : std::uint8_t {
  Directory,  // emptyDir on disk
  Memory,     // emptyDir with medium Memory: tmpfs
  Files       // ConfigMap or Secret
};

struct VolumePlan {
  std::string name;
  VolumeKind kind = VolumeKind::Directory;
  std::int64_t bytes_max = 0;  // of Memory; 0: the kernel's default, half of the host's memory
  std::vector<VolumeFile> files;
};

struct MountPlan {
  std::string volume;
  std::string path;      // absolute, in the container
  std::string sub_path;  // below the volume, or empty
  bool read_only = false;
};

struct ContainerPlan {
  std::string name;
  std::vector<std::string> command;  // never empty
  Environment environment;
  std::string working_directory;
  std::vector<MountPlan> mounts;
  std::string ray_environment;        // a directory of the host that the container can see
  std::vector<std::string> pre_stop;  // command run before SIGTERM, or empty
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};

struct NetworkPlan {
  std::string bridge;
  std::string address;
  std::string gateway;
  int prefix_length = 24;
};

struct PodProcessPlan {
  std::string ns;
  std::string name;
  std::string uid;
  std::string hostname;
  RestartPolicy restart_policy = RestartPolicy::Always;
  std::int64_t grace_seconds = 30;
  std::optional<std::uint32_t> volume_group;  // securityContext.fsGroup
  std::vector<std::string> hidden;            // directories of the host that no pod may see
  NetworkPlan network;
  std::vector<VolumePlan> volumes;
  std::vector<ContainerPlan> init_containers;
  std::vector<ContainerPlan> containers;
};

// JSON, for the file in the pod's directory. The reader refuses what the writer did not write.
std::string render_process_plan(const PodProcessPlan& plan);
Result<PodProcessPlan> parse_process_plan(std::string_view json);

}  // namespace ray_gitops::local_cluster
