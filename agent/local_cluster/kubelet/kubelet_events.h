#pragma once
// The events a kubelet waits for, and how they call it. Only for kubelet*.cc.

#include <map>
#include <memory>
#include <string>

#include <event2/event.h>

#include "agent/local_cluster/kubelet/kubelet.h"

namespace ray_gitops::local_cluster {

struct EventDeleter {
  void operator()(event* each) const { event_free(each); }
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

  static void on_due(evutil_socket_t, short, void* self) { static_cast<Kubelet*>(self)->pass(); }
  static void on_state_files(evutil_socket_t, short, void* self) {
    static_cast<Kubelet*>(self)->note_state_changes();
  }
  static void on_supervisor_end(evutil_socket_t, short, void* self) {
    auto& supervisor = *static_cast<Supervisor*>(self);
    const std::string uid = supervisor.uid;
    supervisor.kubelet->note_supervisor_end(uid);
  }
};

}  // namespace ray_gitops::local_cluster
