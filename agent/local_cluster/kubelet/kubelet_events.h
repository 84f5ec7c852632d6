#pragma once
// The events a kubelet waits for, and how they call it. Only for kubelet*.cc.

#include <map>
#include <memory>
#include <string>

#include "agent/local_cluster/kubelet/kubelet.h"

namespace ray_gitops::local_cluster {

struct EventDeleter {
  void operator()(event* each) const;
};
using EventPointer = std::unique_ptr<event, EventDeleter>;

struct Kubelet::Events {
  EventPointer wake;         // a pass is due
  EventPointer timer;        // a pass is due later
  EventPointer state_files;  // inotify
  struct Supervisor {
    Kubelet* kubelet;
    std::string uid;
    EventPointer ended;
  };
  std::map<std::string, Supervisor> supervisors;

  // Handlers, as libevent calls them.
  static void on_due(int fd, short what, void* kubelet);
  static void on_state_files(int fd, short what, void* kubelet);
  static void on_supervisor_end(int fd, short what, void* supervisor);
};

}  // namespace ray_gitops::local_cluster
