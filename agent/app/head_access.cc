#include "agent/app/head_access.h"

#include <utility>

namespace ray_gitops::app {

HeadAccess::HeadAccess(Loop& loop, const kubernetes::ClientOptions& options)
    : sender_(loop, options.connection, options.user_agent),
      tokens_(loop, [this](HttpRequest request, HttpHandlers handlers) {
        send(std::move(request), std::move(handlers));
      }) {}

ray::RayClientOptions HeadAccess::with_access(ray::RayClientOptions options) {
  options.send_to_api_server = [this](HttpRequest request, HttpHandlers handlers) {
    send(std::move(request), std::move(handlers));
  };
  options.tokens = &tokens_;
  return options;
}

ray::GcsClientOptions HeadAccess::with_access(ray::GcsClientOptions options) {
  options.tokens = &tokens_;
  return options;
}

void HeadAccess::send(HttpRequest request, HttpHandlers handlers) {
  std::string content_type = std::move(request.headers["Content-Type"]);
  request.headers.erase("Content-Type");
  sender_.send({.method = std::move(request.method),
                .target = std::move(request.url),
                .content_type = std::move(content_type),
                .body = std::move(request.body),
                .time_max = request.deadline,
                .headers = std::move(request.headers)},
               kubernetes::RequestClass::Object, std::move(handlers));
}

}  // namespace ray_gitops::app
