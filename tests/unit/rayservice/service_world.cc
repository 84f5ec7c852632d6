#include "tests/unit/rayservice/service_world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/check.h"
#include "reconcilers/rayservice/reconcile.h"
#include "tests/support/declared.h"

namespace ray_gitops::test {
namespace {

using Json = nlohmann::json;

constexpr int k_steps_max = 300;
constexpr int k_quiet_steps = 8;

std::string application(const std::string& name, const std::string& config) {
  return "    - name: " + name + "\n      import_path: \"" + config +
         ":app\"\n      route_prefix: /" + name + "\n";
}

std::string group(const std::string& name, const std::string& worker, int replicas) {
  return "    - groupName: " + name + "\n      replicas: " + std::to_string(replicas) +
         "\n      minReplicas: 0\n      maxReplicas: 9\n      rayStartParams: {}\n"
         "      template:\n        spec:\n          containers:\n"
         "          - {name: ray-worker, image: \"rayproject/ray:2.53.0\", env: [{name: A, value: "
         "\"" +
         worker + "\"}]}\n";
}

Json served_body(const Action& action, const std::string& uid, const std::string& version) {
  Json body = action.body.json();
  body["metadata"]["uid"] = uid;
  body["metadata"]["resourceVersion"] = version;
  return body;
}

ConfigMapView view_of_anchor(const Json& body) {
  return std::get<ConfigMapView>(parse_view(ResourceType::ConfigMap, body).value());
}

int workers_of(const ConfigMapView& child) {
  int workers = 0;
  const Document document = anchored_document(child).value();
  for (const Json& workers_group : member(document.json(), "spec", "workerGroupSpecs"))
    workers += workers_group.value("replicas", 0);
  return workers;
}

template <class Object>
void sort_by_name(std::vector<Object>& objects) {
  std::sort(objects.begin(), objects.end(),
            [](const Object& left, const Object& right) { return left.meta.key < right.meta.key; });
}

}  // namespace

Declaration declare(const ServiceFile& file) {
  std::string yaml = "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {name: shop}\nspec:\n" +
                     file.fields + "  serveConfigV2: |\n    applications:\n" +
                     application("fruit", file.config);
  if (!file.second_application.empty()) yaml += application(file.second_application, file.config);
  yaml +=
      "  rayClusterConfig:\n    rayVersion: 2.53.0\n    headGroupSpec:\n      rayStartParams: {}\n"
      "      template:\n        spec:\n          containers:\n"
      "          - name: ray-head\n            image: rayproject/ray:2.53.0\n"
      "            env: [{name: A, value: \"" +
      file.head + "\"}]\n            ports: [{containerPort: 800" + file.head +
      ", name: serve}]\n    workerGroupSpecs:\n" + group("small", file.worker, file.replicas);
  if (file.second_group) yaml += group("large", "1", 0);
  return declared(yaml);
}

ServiceObserved ServiceWorld::observed() const {
  ServiceObserved seen;
  seen.anchor = Known<std::optional<ConfigMapView>>{anchor};
  std::vector<ConfigMapView> sorted_children = children;
  sort_by_name(sorted_children);
  seen.children = Known<std::vector<ConfigMapView>>{std::move(sorted_children)};
  std::map<std::string, ServiceCluster> known;
  for (const auto& [name, cluster] : clusters) {
    ServiceCluster& entry = known[name];
    if (const auto notes = answers.find(name); notes != answers.end()) entry.head = notes->second;
    entry.facts.pods = cluster.pods;
    entry.facts.ready = cluster.head_ready;
    if (!cluster.head_ready) entry.facts.message = "0 of 2 pods ready";
    if (!cluster.head) continue;
    entry.facts.head_uid = cluster.head->uid;
    entry.facts.head_address = "10.0.0.1:8265";
    entry.facts.head_ready = cluster.head_ready;
  }
  seen.clusters = Known<std::map<std::string, ServiceCluster>>{std::move(known)};
  std::vector<ServiceView> views;
  views.reserve(services.size());
  for (const WorldService& service : services) views.push_back(service.view);
  sort_by_name(views);
  seen.services = Known<std::vector<ServiceView>>{std::move(views)};
  seen.refusals = refusals;
  return seen;
}

Plan plan_for(const Declaration* file, const ServiceObserved& observed, Now now) {
  const ObjectKey key{Kind::RayService, "default", "shop"};
  return file != nullptr ? rayservice::reconcile(*file, observed, k_agent_id, now)
                         : rayservice::plan_removal(key, observed, k_agent_id, now);
}

Plan ServiceWorld::plan() const { return plan_for(file ? &*file : nullptr, observed(), now); }

Plan ServiceWorld::step() {
  Plan todo = plan();
  for (const Action& action : todo.actions)
    if (!refusals.contains(action.target)) apply(action);
  if (!todo.clusters_undecided)
    for (const ConfigMapView& child : children) {
      const bool retired =
          std::any_of(todo.retirements.begin(), todo.retirements.end(),
                      [&](const Retirement& one) { return one.cluster.name == child.anchor_name; });
      CHECK(retired || !clusters.at(child.anchor_name).leaving);
    }
  for (const Retirement& retirement : todo.retirements) retire(retirement.cluster);
  std::set<std::string> asked;
  for (const RayRequest& request : todo.ray_requests) {
    CHECK(asked.insert(request.cluster).second);
    ask(request);
  }
  advance();
  pass(std::chrono::seconds(1));
  return todo;
}

void ServiceWorld::pass(Duration time) {
  now.wall = now.wall + time;
  now.monotonic = now.monotonic + time;
}

void ServiceWorld::apply(const Action& action) {
  if (action.target.type == ResourceType::Pod) return apply_label(action);
  if (action.target.type == ResourceType::Service) return apply_to_service(action);
  apply_to_anchor(action);
}

void ServiceWorld::apply_to_anchor(const Action& action) {
  const bool is_own = action.target.name == "rayservice.shop";
  const auto child = std::find_if(children.begin(), children.end(),
                                  [&](const auto& view) { return view.meta.key == action.target; });
  ConfigMapView* live = is_own && anchor                     ? &*anchor
                        : !is_own && child != children.end() ? &*child
                                                             : nullptr;
  if (action.verb == Verb::Create) {
    CHECK(live == nullptr);
    const std::string version = next_name("v");
    const ConfigMapView made = view_of_anchor(served_body(action, next_name("uid-"), version));
    if (is_own) anchor = made;
    if (is_own) return;
    CHECK(made.meta.owner_uid == anchor->meta.uid);
    CHECK(is_in_anchor(made.anchor_name));
    children.push_back(made);
    clusters[made.anchor_name] = {};
    names_created.insert(made.anchor_name);
    return;
  }
  CHECK(live != nullptr && live->meta.uid == action.preconditions.uid);
  if (action.verb == Verb::Delete && !is_own) {
    // Only one whose key was edited away is not left to its own reconciler.
    CHECK(!anchored_key(*live));
    children.erase(child);
    return;
  }
  if (action.verb == Verb::Delete) {
    CHECK(children.empty() && services.empty());
    anchor.reset();
    return;
  }
  CHECK(live->meta.resource_version == action.preconditions.resource_version);
  *live = view_of_anchor(served_body(action, live->meta.uid, next_name("v")));
}

// I3: the anchor names a cluster before it is made.
bool ServiceWorld::is_in_anchor(const std::string& name) const {
  const ServiceState now_saved = state();
  return std::any_of(now_saved.clusters.begin(), now_saved.clusters.end(),
                     [&](const ServingCluster& entry) { return entry.name == name; });
}

void ServiceWorld::apply_to_service(const Action& action) {
  const auto live = std::find_if(services.begin(), services.end(), [&](const auto& service) {
    return service.view.meta.key == action.target;
  });
  if (action.verb == Verb::Create) {
    CHECK(live == services.end());
  } else {
    CHECK(live != services.end() && live->view.meta.uid == action.preconditions.uid);
  }
  if (action.verb == Verb::Delete) {
    services.erase(live);
    return;
  }
  const std::string uid =
      live == services.end() ? next_name("uid-") : std::string(live->view.meta.uid);
  const Json body = served_body(action, uid, next_name("v"));
  WorldService made{std::get<ServiceView>(parse_view(ResourceType::Service, body).value()),
                    text_of(member(body, "spec", "selector", "ray.io/cluster")),
                    member(body, "spec", "ports").at(0).at("port").dump()};
  CHECK(made.leads_to == active());
  if (live == services.end())
    services.push_back(std::move(made));
  else
    *live = std::move(made);
}

void ServiceWorld::apply_label(const Action& action) {
  CHECK(action.verb == Verb::Apply);
  for (auto& [name, cluster] : clusters)
    for (ClusterPod& pod : cluster.pods) {
      if (pod.name != action.target.name) continue;
      CHECK(pod.uid == action.preconditions.uid);
      pod.serves =
          text_of(member(action.body.json(), "metadata", "labels", "ray.io/serve")) == "true";
    }
}

void ServiceWorld::retire(const ObjectKey& cluster) {
  const auto found = clusters.find(cluster.name);
  CHECK(found != clusters.end());
  if (!found->second.leaving && file) CHECK(cluster.name != active());
  found->second.leaving = true;
}

// What leaves loses its pods first, then its anchor; what was made gets a head, which is Ready a
// step later, and workers.
void ServiceWorld::advance() {
  for (auto entry = clusters.begin(); entry != clusters.end();) {
    WorldCluster& cluster = entry->second;
    if (cluster.leaving && !cluster.head && clusters_go) {
      const std::string name = entry->first;
      std::erase_if(children, [&](const auto& view) { return view.anchor_name == name; });
      answers.erase(name);
      entry = clusters.erase(entry);
      continue;
    }
    if (cluster.leaving) {
      cluster = {};
      cluster.leaving = true;
    } else if (clusters_come_up) {
      come_up(entry->first, cluster);
    }
    if (cluster.head) let_serve_go_on(*cluster.head);
    ++entry;
  }
}

void ServiceWorld::come_up(const std::string& name, WorldCluster& cluster) {
  const auto child = std::find_if(children.begin(), children.end(),
                                  [&](const auto& view) { return view.anchor_name == name; });
  if (child == children.end() || child->meta.terminating) return;
  cluster.head_ready = cluster.head.has_value();
  for (ClusterPod& pod : cluster.pods) pod.ready = true;
  const std::size_t wanted = 1 + static_cast<std::size_t>(workers_of(*child));
  if (!cluster.head) cluster.head = WorldHead{next_name("head-"), {}, {}, 0};
  while (cluster.pods.size() > wanted) cluster.pods.pop_back();
  while (cluster.pods.size() < wanted) {
    ClusterPod pod;
    pod.is_head = cluster.pods.empty();
    pod.name = pod.is_head
                   ? head_pod_name(name)
                   : worker_pod_name(name, "small", static_cast<std::int64_t>(cluster.pods.size()));
    pod.uid = pod.is_head ? cluster.head->uid : next_name("pod-");
    pod.ip = next_name("10.0.0.");
    cluster.pods.push_back(std::move(pod));
  }
}

void ServiceWorld::let_serve_go_on(WorldHead& head) {
  if (head.steps_to_run == 0) return;
  --head.steps_to_run;
  if (head.steps_to_run > 0) return;
  for (auto& [name, application] : head.applications) {
    if (application.status != ServeApplicationStatus::Deploying) continue;
    const bool fails = head.config.find("bad:app") != std::string::npos;
    application.status =
        fails ? ServeApplicationStatus::DeployFailed : ServeApplicationStatus::Running;
    application.message = fails ? "Deploying app failed:\npassword=x\nValueError: boom\n" : "";
    application.deployments["App"] = {fails ? "DEPLOY_FAILED" : "HEALTHY", {{"RUNNING", 1}}};
  }
}

ServeInfo ServiceWorld::serve_of(const WorldCluster& cluster) const {
  ServeInfo info;
  info.applications = cluster.head->applications;
  if (!cluster.head->config.empty() && proxies_are_healthy)
    for (const ClusterPod& pod : cluster.pods)
      if (pod.ready) info.proxies.insert(pod.ip);
  return info;
}

// As the engine keeps its notes (HeadAnswers).
void ServiceWorld::ask(const RayRequest& request) {
  CHECK(!request.head_uid.empty() && !request.address.empty() && !request.cluster.empty());
  HeadAnswers& notes = answers[request.cluster];
  if (notes.head_uid != request.head_uid) {
    const std::optional<Instant> serving_at = notes.serving_at;
    notes = {};
    notes.serving_at = serving_at;
    notes.head_uid = request.head_uid;
  }
  if (request.verb == RayVerb::PutServe) {
    notes.serve.reset();
    notes.refused.reset();
    notes.config_digest.clear();
  }
  const auto found = clusters.find(request.cluster);
  const bool arrives = !heads_are_silent && found != clusters.end() && found->second.head &&
                       found->second.head->uid == request.head_uid && found->second.head_ready;
  const HeadAnswers before = notes;
  if (arrives && answer(request, *found->second.head, notes) && !answers_are_lost) {
    notes.silence.clear();
    return;
  }
  notes = before;
  notes.silence = "connection timed out";
}

bool ServiceWorld::answer(const RayRequest& request, WorldHead& head, HeadAnswers& notes) {
  if (request.verb == RayVerb::PutServe) {
    CHECK(!request.config_digest.empty());
    if (request.body.canonical().find("refused:app") != std::string::npos) {
      notes.refused = Error{ErrorCode::Rejected, "import_path: refused", ""};
      notes.refused_digest = request.config_digest;
    } else {
      take(request, head);
      notes.config_digest = request.config_digest;
    }
    return true;
  }
  CHECK(request.verb == RayVerb::GetServe);
  notes.serve = serve_of(clusters.at(request.cluster));
  notes.serve_answered_at = now.monotonic;
  if (is_serving(*notes.serve)) notes.serving_at = now.monotonic;
  return true;
}

void ServiceWorld::take(const RayRequest& request, WorldHead& head) {
  ++puts[request.cluster];
  const std::string config = request.body.canonical();
  const bool same = head.config == config;
  head.config = config;
  std::map<std::string, ServeApplication> applications;
  for (const Json& one : request.body.json().at("applications")) {
    const std::string name = one.at("name");
    ServeApplication& application = applications[name];
    const auto before = head.applications.find(name);
    if (same && before != head.applications.end())
      application = before->second;
    else
      application.status = ServeApplicationStatus::Deploying;
  }
  head.applications = std::move(applications);
  head.steps_to_run = 3;
}

void ServiceWorld::replace_head(const std::string& name) {
  WorldCluster& live = cluster(name);
  live.head.reset();
  live.head_ready = false;
  live.pods.clear();
}

void ServiceWorld::restart_head(const std::string& name) {
  WorldHead& head = *cluster(name).head;
  head = WorldHead{head.uid, {}, {}, 0};
}

void ServiceWorld::delete_child(const std::string& name) {
  std::erase_if(children, [&](const auto& view) { return view.anchor_name == name; });
  clusters.erase(name);
  answers.erase(name);
}

void ServiceWorld::set_status(const std::string& name, ServeApplicationStatus status,
                              const std::string& message) {
  ServeApplication& application = cluster(name).head->applications.at("fruit");
  application.status = status;
  application.message = message;
}

std::optional<std::string> ServiceWorld::serving_config() const {
  for (const WorldService& service : services) {
    const auto found = clusters.find(service.leads_to);
    if (found == clusters.end() || !found->second.head || !proxies_are_healthy) continue;
    const WorldHead& head = *found->second.head;
    const bool runs =
        !head.applications.empty() &&
        std::all_of(head.applications.begin(), head.applications.end(), [](const auto& entry) {
          return entry.second.status == ServeApplicationStatus::Running;
        });
    for (const ClusterPod& pod : found->second.pods)
      if (runs && pod.ready && pod.serves)
        return Json::parse(head.config).at("applications").at(0).at("import_path");
  }
  return std::nullopt;
}

ServiceState ServiceWorld::state() const {
  CHECK(anchor.has_value());
  return anchored_service_state(*anchor).value();
}

std::size_t ServiceWorld::staying() const {
  return static_cast<std::size_t>(std::count_if(
      clusters.begin(), clusters.end(), [](const auto& entry) { return !entry.second.leaving; }));
}

std::string ServiceWorld::next_name(const std::string& prefix) {
  return prefix + std::to_string(++names_);
}

std::string said(Plan plan) {
  plan.ray_requests.clear();
  return render(plan);
}

Plan step_until(ServiceWorld& world, const std::string& reason) {
  std::string seen;
  for (int step = 0; step < k_steps_max; ++step) {
    Plan plan = world.plan();
    if (plan.reason == reason) return plan;
    if (const std::string shown = render(plan); !seen.ends_with(shown)) seen += shown;
    world.step();
  }
  std::fprintf(stderr, "%s is never the reason; it went:\n%s", reason.c_str(), seen.c_str());
  CHECK(false && "step_until");
}

Plan settle(ServiceWorld& world) {
  std::string before;
  int quiet_steps = 0;
  for (int step = 0; step < k_steps_max; ++step) {
    Plan plan = world.step();
    const bool puts =
        std::any_of(plan.ray_requests.begin(), plan.ray_requests.end(),
                    [](const RayRequest& request) { return request.verb == RayVerb::PutServe; });
    const bool is_quiet = plan.actions.empty() && plan.retirements.empty() && !puts;
    const std::string shown = said(plan) + plan.ray.canonical();
    quiet_steps = is_quiet && shown == before ? quiet_steps + 1 : 0;
    before = shown;
    if (quiet_steps >= k_quiet_steps) return plan;
  }
  std::fprintf(stderr, "it never comes to rest:\n%s", render(world.plan()).c_str());
  CHECK(false && "settle");
}

Plan start(ServiceWorld& world) {
  step_until(world, "NonZeroServeEndpoints");
  return settle(world);
}

}  // namespace ray_gitops::test
