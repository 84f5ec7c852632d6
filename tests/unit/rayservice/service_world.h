#pragma once
// A service's world in a few lines: the server that keeps anchors, Services and labels, clusters
// that come up and leave, Serve on their heads, and the engine's notes of its answers.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/plan.h"
#include "reconcilers/model/service_state.h"
#include "reconcilers/model/time.h"
#include "reconcilers/rayservice/observed.h"

namespace ray_gitops::test {

inline constexpr const char* k_agent_id = "prod";

// The file of the service "shop", with one application "fruit".
struct ServiceFile {
  std::string head = "1";               // another one asks for another cluster
  std::string config = "1";             // of Serve; "bad" does not deploy, "refused" is refused
  int replicas = 1;                     // of the worker group "small"
  bool second_group = false;            // a further worker group, of no replicas
  std::string worker = "1";             // another one asks for another cluster
  std::string fields = {};              // further lines of its spec
  std::string second_application = {};  // its name, or empty
};

Declaration declare(const ServiceFile& file);

struct WorldHead {
  std::string uid;
  std::string config;  // of Serve, as JSON; empty before the first
  std::map<std::string, ServeApplication> applications;
  int steps_to_run = 0;  // until what deploys runs
};

struct WorldCluster {
  bool leaving = false;
  bool head_ready = false;
  std::optional<WorldHead> head;
  std::vector<ClusterPod> pods;
};

struct WorldService {
  ServiceView view;
  std::string leads_to;  // the cluster
  std::string port;      // of the first one
};

class ServiceWorld {
 public:
  explicit ServiceWorld(const ServiceFile& file_now) : file(declare(file_now)) {}

  std::optional<Declaration> file;  // nullopt: it is gone, and the removal is approved

  // Faults:
  bool heads_are_silent = false;  // requests do not arrive
  bool answers_are_lost = false;  // requests arrive, answers do not
  bool clusters_come_up = true;
  bool clusters_go = true;  // once they leave
  bool proxies_are_healthy = true;

  // What to do now, as reconcile or plan_removal says.
  Plan plan() const;
  // Carries the plan out, then a second passes. Gives the plan.
  Plan step();
  void pass(Duration time);
  // The agent starts anew: what heads answered is forgotten.
  void restart_agent() { answers.clear(); }
  void replace_head(const std::string& cluster);
  // Its container starts anew in the same pod.
  void restart_head(const std::string& cluster);
  // By hand, behind the agent's back.
  void delete_child(const std::string& cluster);
  void set_status(const std::string& cluster, ServeApplicationStatus status,
                  const std::string& message = {});
  // A request of a user would be answered now; by which configuration.
  std::optional<std::string> serving_config() const;

  // Of the anchor; fails the test program without one that can be read.
  ServiceState state() const;
  const std::string active() const { return state().active; }
  WorldCluster& cluster(const std::string& name) { return clusters.at(name); }
  ServiceObserved observed() const;
  // How many clusters have not begun to leave.
  std::size_t staying() const;

  std::optional<ConfigMapView> anchor;
  std::vector<ConfigMapView> children;
  std::vector<WorldService> services;
  std::map<std::string, WorldCluster> clusters;
  std::map<std::string, HeadAnswers> answers;  // by cluster
  std::map<ResourceKey, Refusal> refusals;
  std::map<std::string, int> puts;      // by cluster
  std::set<std::string> names_created;  // of clusters, ever
  Now now{{1'800'000'000'000}, {5'000}};

 private:
  void apply(const Action& action);
  void apply_to_anchor(const Action& action);
  void apply_to_service(const Action& action);
  bool is_in_anchor(const std::string& name) const;
  void apply_label(const Action& action);
  void retire(const ObjectKey& cluster);
  void ask(const RayRequest& request);
  bool answer(const RayRequest& request, WorldHead& head, HeadAnswers& notes);
  void take(const RayRequest& request, WorldHead& head);
  void advance();
  void come_up(const std::string& name, WorldCluster& cluster);
  void let_serve_go_on(WorldHead& head);
  ServeInfo serve_of(const WorldCluster& cluster) const;
  std::string next_name(const std::string& prefix);

  int names_ = 0;
};

// reconcile, or plan_removal without a file.
Plan plan_for(const Declaration* file, const ServiceObserved& observed, Now now);
// The plan's text without what is asked of Ray.
std::string said(Plan plan);
// Steps until the plan's reason is this one; ends the test program when that takes too long.
Plan step_until(ServiceWorld& world, const std::string& reason);
// Steps until nothing is done but to ask how it is going, for longer than the longest pause.
Plan settle(ServiceWorld& world);
// From its file to Ready.
Plan start(ServiceWorld& world);

}  // namespace ray_gitops::test
