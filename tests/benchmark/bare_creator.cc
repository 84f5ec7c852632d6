// Posts objects by the agent's own client, in the order given, waiting for nothing and deciding
// nothing: what the same objects cost at least.
//
//     bare-creator KUBECONFIG < objects        each line: path, tab, body
//
// Prints "<created> created, <refused> refused, <seconds> s". Exit code 1 when any is refused.
#include <cstdio>
#include <iostream>
#include <string>

#include "agent/kubernetes/connection.h"
#include "agent/kubernetes/sender.h"
#include "agent/loop/loop.h"

namespace ray_gitops {
namespace {

struct Counts {
  std::size_t sent = 0;
  std::size_t created = 0;
  std::size_t refused = 0;
};

void send_all(kubernetes::Sender& sender, Loop& loop, Counts& counts) {
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    ++counts.sent;
    HttpHandlers handlers;
    handlers.on_done = [&counts, &loop](const Result<HttpResponse>& response) {
      ++(response && response->status == 201 ? counts.created : counts.refused);
      if (counts.created + counts.refused == counts.sent) loop.stop();
    };
    sender.send({"POST", line.substr(0, tab), "application/json", line.substr(tab + 1)},
                kubernetes::RequestClass::Object, std::move(handlers));
  }
}

int run(const char* kubeconfig) {
  auto connection = kubernetes::load_kubeconfig(kubeconfig);
  if (!connection) {
    std::fprintf(stderr, "bare-creator: %s\n", describe(connection.error()).c_str());
    return 2;
  }
  Loop loop;
  kubernetes::Sender sender(loop, std::move(*connection), "bare-creator");
  Counts counts;
  send_all(sender, loop, counts);
  const Instant begin = loop.now().monotonic;
  if (counts.sent > 0) loop.run();
  const Duration took = loop.now().monotonic - begin;
  std::printf("%zu created, %zu refused, %.3f s\n", counts.created, counts.refused,
              static_cast<double>(took.count()) / 1000);
  return counts.refused == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ray_gitops

int main(int argc, char** argv) {
  if (argc == 2) return ray_gitops::run(argv[1]);
  std::fprintf(stderr, "usage: bare-creator KUBECONFIG < objects\n");
  return 2;
}
