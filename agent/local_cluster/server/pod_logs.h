#pragma once
// Where the output of containers is: the kubelet knows.

#include <string>

#include "reconcilers/model/result.h"

namespace ray_gitops::local_cluster {

struct PodLogPlace {
  std::string ns;
  std::string pod;
  std::string uid;
  std::string container;
  bool previous = false;  // of the run before the last restart
};

class PodLogs {
 public:
  PodLogs() = default;
  PodLogs(const PodLogs&) = delete;
  PodLogs& operator=(const PodLogs&) = delete;
  virtual ~PodLogs() = default;
  // The path of a file of plain lines, which may still grow. NotFound when there is none.
  virtual Result<std::string> find_log(const PodLogPlace& place) const = 0;
};

}  // namespace ray_gitops::local_cluster
