#pragma once
// A world in a few lines of YAML, for golden cases. What is left out is as it should be: a Running
// and Ready pod of the current template, owned by the live anchor.
//
//   now: 100                        # seconds, on both clocks
//   removed: true                   # the file is gone: plan the removal
//   was_ready: true
//   anchor: none | {document: old, incarnation: 2, leaving: true, owner_uid: ...}
//   unknown: {pods: "why", anchor: "why", services: "why"}
//   pods:
//   - {name: demo-small-worker-0, group: small, template: old, runtime: old, incarnation: 1,
//      owner: other, phase: Failed, ready: false, leaving: 30, created: 50, started: 60,
//      restarts: 1, ended: true, restarts_in_place: false, problem: "..."}
//   services:
//   - {name: demo-head-svc, owner: other, content: old, shape: drifted, headless: false,
//      leaving: true}
//   refusals:
//   - {type: Pod, name: demo-small-worker-1, code: Forbidden, message: "...", retry_at: 105}
//   failures: {small: {count: 3, last: 98}}

#include <string>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/time.h"
#include "reconcilers/raycluster/observed.h"

namespace ray_gitops::test {

struct World {
  ClusterObserved observed;
  Now now;
  bool removed = false;
};

inline constexpr const char* k_agent_id = "prod";
inline constexpr const char* k_anchor_uid = "uid-of-the-anchor";

World parse_world(const std::string& yaml, const Declaration& declaration);

}  // namespace ray_gitops::test
