#pragma once
// What may go wrong in a run. Each seed draws which faults exist at all (swarm testing): a run in
// which everything fails at once hides what a few faults together bring to light.

#include "tests/simulation/random.h"

namespace ray_gitops::simulation {

// Chances in thousandths, of each request, pod, poll or step; 0: this fault does not exist.
struct Faults {
  // Requests to the cluster:
  int request_lost = 0;  // it never arrives
  int answer_lost = 0;   // it takes effect, the answer is lost
  int effect_late = 0;   // the client gives up, then it takes effect
  int answer_late = 0;   // it takes effect, the answer takes seconds
  int too_many_requests = 0;
  int server_error = 0;
  int outages = 0;  // of each step people take: all writes are answered 500 for a while
  // Lists and watches:
  int list_fails = 0;
  int watch_cut = 0;      // of each event delivered
  int watch_expires = 0;  // of each watch started
  bool short_history = false;
  int watch_slow = 0;  // of each event: the stream stalls for seconds
  // Pods:
  int pod_fails = 0;           // evicted some time after it runs
  int container_restarts = 0;  // the Ray container restarts in place
  int node_lost = 0;           // not Ready for a minute
  int pod_slow = 0;
  // Requests to Ray heads:
  int ray_request_lost = 0;
  int ray_answer_lost = 0;
  int ray_effect_late = 0;
  int ray_answer_late = 0;
  int ray_rejects = 0;      // of each submission: the head understands it and refuses
  int drain_refused = 0;    // of each drain: the node is busy again
  int serve_unhealthy = 0;  // of each time that an application comes up: it falters once
  // Git:
  int git_unreachable = 0;
  int git_slow = 0;
  int push_refused = 0;
  int push_answer_lost = 0;
  // The agent:
  int crash = 0;  // after each single effect
  bool second_agent = false;
  int freezes = 0;  // after each write or push that is about to leave: it waits; not drawn
  // Clocks, and people beside Git (of each of their steps):
  int wall_jumps = 0;
  int drift = 0;
  int foreign_objects = 0;
};

Faults draw_faults(Random& random);

}  // namespace ray_gitops::simulation
