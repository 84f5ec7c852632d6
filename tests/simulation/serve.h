#pragma once
// Serve on one life of a head: it takes configurations, brings applications up after a while, and
// ends with its head.

#include <map>
#include <string>
#include <vector>

#include "reconcilers/model/ray_head.h"
#include "tests/simulation/core.h"

namespace ray_gitops::simulation {

// What an application does, by its import path.
inline constexpr const char* k_fine_application = "serve:fine";
inline constexpr const char* k_refused_application = "serve:refused";  // the request is Rejected
inline constexpr const char* k_broken_application = "serve:broken";    // it ends as DEPLOY_FAILED

class Serve {
 public:
  explicit Serve(Core& core) : core_(core) {}
  Serve(const Serve&) = delete;
  Serve& operator=(const Serve&) = delete;

  // A head that is late with a request is late with all that follow: one that was asked for before
  // another that is here already changes nothing.
  Result<RayReply> put(const Document& config, Instant asked);
  // What GET answers, given the addresses of the head and of the workers that are there.
  ServeInfo info(const std::string& head_ip, const std::vector<std::string>& worker_ips) const;
  // What was put last; null before.
  const Document& config() const { return config_; }

 private:
  struct Application {
    Document config;
    ServeApplicationStatus status = ServeApplicationStatus::Deploying;
    bool has_replicas = false;  // it ran; replicas of an older configuration serve on
    int version = 0;            // what was planned for an earlier one is void
  };

  void start();
  void deploy(const std::string& name, const Document& config);
  void remove(const std::string& name);
  void plan_trouble(const std::string& name);
  // The application will have this status, unless something else happens to it first.
  void become(const std::string& name, ServeApplicationStatus status, Duration delay);
  void on_status(const std::string& name, ServeApplicationStatus status);

  Core& core_;
  Document config_;
  Instant asked_;
  bool is_starting_ = false;
  bool has_started_ = false;
  std::map<std::string, Application> applications_;
};

}  // namespace ray_gitops::simulation
