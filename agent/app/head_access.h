#pragma once
// What leads to Ray heads by the API server: its proxy, and the Secrets with their tokens.

#include "agent/kubernetes/client.h"
#include "agent/kubernetes/sender.h"
#include "agent/loop/loop.h"
#include "agent/ray/client.h"
#include "agent/ray/gcs/client.h"
#include "agent/ray/head_tokens.h"

namespace ray_gitops::app {

// Outlives the clients that are made with it. Its requests do not wait behind the agent's own.
class HeadAccess {
 public:
  HeadAccess(Loop& loop, const kubernetes::ClientOptions& options);

  ray::RayClientOptions with_access(ray::RayClientOptions options);
  ray::GcsClientOptions with_access(ray::GcsClientOptions options);

 private:
  void send(HttpRequest request, HttpHandlers handlers);

  kubernetes::Sender sender_;
  ray::HeadTokens tokens_;
};

}  // namespace ray_gitops::app
