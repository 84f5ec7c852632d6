#include "tests/simulation/faults.h"

namespace ray_gitops::simulation {
namespace {

int draw(Random& random, int most) {
  const bool exists = random.chance(450);
  const std::int64_t strength = random.between(1, most);
  return exists ? static_cast<int>(strength) : 0;
}

}  // namespace

Faults draw_faults(Random& random) {
  Faults faults;
  faults.request_lost = draw(random, 120);
  faults.answer_lost = draw(random, 120);
  faults.effect_late = draw(random, 60);
  faults.answer_late = draw(random, 120);
  faults.too_many_requests = draw(random, 100);
  faults.server_error = draw(random, 100);
  faults.outages = draw(random, 150);
  faults.list_fails = draw(random, 300);
  faults.watch_cut = draw(random, 60);
  faults.watch_expires = draw(random, 300);
  faults.short_history = random.chance(300);
  faults.watch_slow = draw(random, 60);
  faults.pod_fails = draw(random, 200);
  faults.container_restarts = draw(random, 150);
  faults.node_lost = draw(random, 100);
  faults.pod_slow = draw(random, 200);
  faults.ray_request_lost = draw(random, 120);
  faults.ray_answer_lost = draw(random, 120);
  faults.ray_effect_late = draw(random, 100);
  faults.ray_answer_late = draw(random, 100);
  faults.ray_rejects = draw(random, 100);
  faults.serve_unhealthy = draw(random, 600);
  faults.git_unreachable = draw(random, 300);
  faults.git_slow = draw(random, 200);
  faults.push_refused = draw(random, 200);
  faults.push_answer_lost = draw(random, 200);
  faults.crash = draw(random, 15);
  faults.drain_refused = draw(random, 400);
  faults.second_agent = random.chance(300);
  faults.wall_jumps = draw(random, 200);
  faults.drift = draw(random, 400);
  faults.foreign_objects = draw(random, 200);
  return faults;
}

}  // namespace ray_gitops::simulation
