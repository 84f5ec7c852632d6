// Calls the GCS of a running Ray head by the agent's own client, and prints what it says.
//
//   gcs-call ADDRESS state [TIMES]             session, nodes, demand; and how long TIMES calls
//   took gcs-call ADDRESS drain NODE-ID MESSAGE     asks for IDLE_TERMINATION gcs-call ADDRESS
//   report GROUP COUNT        says that COUNT pods of GROUP are on their way gcs-call ADDRESS shape
//   GROUP CPUS          says that the cluster may have one pod of GROUP gcs-call ADDRESS unknown
//   [TIMES]           a method that no Ray has
//
// Exit code 1 when a call fails, which is printed as "error: ...".

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/loop/loop.h"
#include "agent/ray/gcs/answer.h"
#include "agent/ray/gcs/client.h"
#include "agent/ray/gcs/encode.h"

namespace ray_gitops::ray {
namespace {

using Arguments = std::vector<std::string>;

void print(const RayResourceState& state) {
  std::printf("session %s\n", state.session.c_str());
  for (const RayNode& node : state.nodes)
    std::printf("node %s %s %s %s idle=%lld total=%s available=%s\n", node.node_id.c_str(),
                node.instance_id.c_str(), node.group.c_str(), name_of(node.status),
                static_cast<long long>(node.idle.count()), render_amounts(node.total).c_str(),
                render_amounts(node.available).c_str());
  for (const auto& [request, count] : state.pending)
    std::printf("pending %lld %s selectors=%zu\n", static_cast<long long>(count),
                render_amounts(request.bundle).c_str(), request.selectors.size());
  for (const GangRequest& gang : state.gangs)
    std::printf("gang %s bundles=%zu\n", gang.details.c_str(), gang.requests.size());
  for (const ClusterConstraint& constraint : state.constraints)
    std::printf("constraint shapes=%zu\n", constraint.size());
}

void print(const GcsReply& reply) {
  if (const auto* state = std::get_if<RayResourceState>(&reply)) print(*state);
  if (const auto* drain = std::get_if<DrainReply>(&reply))
    std::printf("%s %s\n", drain->accepted ? "accepted" : "refused", drain->rejection.c_str());
}

std::optional<GcsRequest> request_of(const Arguments& words, Now now) {
  GcsRequest request;
  request.address = words[0];
  if (words[1] == "state") return request;
  if (words.size() < 4) return std::nullopt;
  if (words[1] == "drain") {
    DrainRequest drain;
    drain.node_id = words[2];
    drain.message = words[3];
    request.body = drain;
    return request;
  }
  if (words[1] == "report") {
    AutoscalingReport report;
    report.state_version = now.wall.milliseconds;
    report.pending_requests = {{words[2], std::atoll(words[3].c_str()), now.wall}};
    request.body = report;
    return request;
  }
  if (words[1] != "shape") return std::nullopt;
  const ResourceUnits cpus = std::atoll(words[3].c_str()) * k_units_per_whole;
  request.body = ClusterShape{{{words[2], {{"CPU", cpus}}, 0, 1}}};
  return request;
}

// One call after the other; the last answer.
Result<GcsReply> call(Loop& loop, const GcsRequest& request, int times) {
  std::optional<Result<GcsReply>> last;
  std::function<void()> next;
  GcsClient client(loop, {}, [&](const engine::GcsAnswered& answer) {
    last = answer.reply;
    if (--times > 0 && last->has_value()) return next();
    loop.stop();
  });
  next = [&] { client.ask({1, request}); };
  next();
  loop.run();
  return *last;
}

bool is_not_found(const Result<std::string_view>& message) {
  return !message && message.error().code == ErrorCode::NotFound;
}

// Some of the answers are not seen: see HttpRequest::http2.
int call_unknown(Loop& loop, const std::string& address, int times) {
  GcsRequest request;
  request.address = address;
  int left = times;
  int not_found = 0;
  for (int count = 0; count < times; ++count) {
    auto prepared = render_call(request, k_call_time_max);
    if (!prepared) return 2;
    prepared->url += "OfNoRay";
    HttpHandlers handlers;
    handlers.on_done = [&](const Result<HttpResponse>& response) {
      if (response && is_not_found(message_of(*response))) ++not_found;
      if (--left == 0) loop.stop();
    };
    loop.start_transfer(std::move(*prepared), std::move(handlers));
  }
  loop.run();
  std::printf("unknown %d of %d\n", not_found, times);
  return not_found > 0 ? 0 : 1;
}

int run(const Arguments& words) {
  if (words.size() < 2) return 2;
  Loop loop;
  const int times = words.size() == 3 ? std::atoi(words[2].c_str()) : 1;
  if (words[1] == "unknown") return call_unknown(loop, words[0], times);
  const auto request = request_of(words, loop.now());
  if (!request) return 2;
  const Instant start = loop.now().monotonic;
  const auto reply = call(loop, *request, times);
  if (!reply) {
    std::printf("error: %s\n", describe(reply.error()).c_str());
    return 1;
  }
  print(*reply);
  std::printf("calls %d milliseconds %lld\n", times,
              static_cast<long long>((loop.now().monotonic - start).count()));
  return 0;
}

}  // namespace
}  // namespace ray_gitops::ray

int main(int count, char** arguments) {
  return ray_gitops::ray::run({arguments + 1, arguments + count});
}
