#include "tests/unit/engine/bench.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::engine::test {

using Json = nlohmann::json;
using std::chrono::milliseconds;

std::string cluster_file(const std::string& name, const std::string& image) {
  const std::string container = "          image: rayproject/ray:" + image + "\n";
  return "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: " + name +
         "\nspec:\n  headGroupSpec:\n    rayStartParams: {}\n    template:\n      spec:\n"
         "        containers:\n        - name: ray-head\n" +
         container +
         "  workerGroupSpecs:\n  - groupName: small\n    replicas: 1\n    minReplicas: 0\n"
         "    maxReplicas: 3\n    rayStartParams: {}\n    template:\n      spec:\n"
         "        containers:\n        - name: ray-worker\n" +
         container;
}

std::string job_file(const std::string& name, const std::string& more) {
  return "apiVersion: ray.io/v1\nkind: RayJob\nmetadata:\n  name: " + name +
         "\nspec:\n  entrypoint: python run.py\n" + more +
         "  rayClusterSpec:\n    headGroupSpec:\n      rayStartParams: {}\n      template:\n"
         "        spec:\n          containers:\n          - name: ray-head\n"
         "            image: rayproject/ray:2.40.0\n";
}

std::string service_file(const std::string& name, const std::string& image,
                         const std::string& more) {
  return "apiVersion: ray.io/v1\nkind: RayService\nmetadata:\n  name: " + name + "\nspec:\n" +
         more +
         "  serveConfigV2: |\n    applications:\n      - name: app\n        import_path: app:app\n"
         "  rayClusterConfig:\n    headGroupSpec:\n      rayStartParams: {}\n      template:\n"
         "        spec:\n          containers:\n          - name: ray-head\n"
         "            image: rayproject/ray:" +
         image + "\n";
}

namespace {

nlohmann::json running_containers(const nlohmann::json& pod, WallTime since) {
  nlohmann::json statuses = nlohmann::json::array();
  for (const nlohmann::json& container : pod["spec"]["containers"])
    statuses.push_back({{"name", container["name"]},
                        {"ready", true},
                        {"state", {{"running", {{"startedAt", to_rfc3339(since)}}}}}});
  return statuses;
}

}  // namespace

SourceTree tree_of(const std::string& commit, const Files& files,
                   const std::set<std::string>& known_blobs) {
  SourceTree tree{.commit = commit, .message = "", .files = {}, .descends_from_accepted = true};
  for (const auto& [path, content] : files) {
    SourceFile file{path, short_hash(content, 40), std::nullopt, ""};
    if (!known_blobs.contains(file.blob_id)) file.content = content;
    tree.files.push_back(std::move(file));
  }
  return tree;
}

Bench::Bench() { restart(); }

Bench::~Bench() = default;

void Bench::restart() { engine_ = std::make_unique<Engine>(options_); }

void Bench::commit(const std::string& id, const Files& files, const std::string& message,
                   bool rewinds) {
  message_ = message;
  rewinds_ = rewinds;
  push(id, files);
  run();
}

void Bench::push(const std::string& id, const Files& files) {
  tip_ = id;
  files_ = files;
  deliver(Wake{});
}

void Bench::run(Duration duration) {
  const Duration end = since_ + duration;
  while (since_ < end) {
    const Deadline due = engine_->next_deadline();
    if (due && *due <= now().monotonic) tick();
    answer_late_writes();
    since_ += milliseconds(100);
  }
}

void Bench::tick() { deliver(Tick{}); }

void Bench::deliver(Event event) {
  for (const Effect& effect : engine_->step(std::move(event), now())) answer(effect);
}

void Bench::answer(const Effect& effect) {
  if (std::holds_alternative<ListRemote>(effect)) {
    if (git_answers) return deliver(RemoteListed{RemoteTips{tip_, std::nullopt}});
    return deliver(RemoteListed{failed(ErrorCode::Unavailable)});
  }
  if (const auto* load = std::get_if<LoadCommit>(&effect)) {
    SourceTree tree = tree_of(load->commit, files_, load->known_blobs);
    tree.message = message_;
    tree.descends_from_accepted =
        !rewinds_ || load->accepted.empty() || load->accepted == load->commit;
    return deliver(CommitLoaded{load->commit, std::move(tree)});
  }
  if (std::holds_alternative<LoadStatus>(effect)) {
    if (!status_is_read) return deliver(StatusLoaded{failed(ErrorCode::Unavailable)});
    return deliver(
        StatusLoaded{StatusTree{.tip = std::nullopt, .files = published, .lease_epoch = 0}});
  }
  if (const auto* publish = std::get_if<PublishStatus>(&effect)) {
    if (!status_is_taken) return deliver(StatusPublished{failed(ErrorCode::Rejected)});
    published = publish->files;
    return deliver(StatusPublished{std::string("status")});
  }
  if (const auto* ask = std::get_if<AskRay>(&effect)) return answer(*ask);
  if (const auto* ask = std::get_if<AskGcs>(&effect)) return answer(*ask);
  if (const auto* list = std::get_if<StartList>(&effect)) {
    if (unlisted.contains(list->type)) return;
    return deliver(ListCompleted{list->type, listed(list->type, list->ns), std::to_string(version_),
                                 list->ns});
  }
  if (const auto* read = std::get_if<SendRead>(&effect))
    return deliver(ReadAnswered{read->key, view(read->key)});
  const auto* write = std::get_if<SendWrite>(&effect);
  if (write == nullptr) return;
  if (answers_max == 0 || write->action.target.type == ResourceType::Lease) return answer(*write);
  late_writes_.push_back(*write);
  under_way_most = std::max(under_way_most, late_writes_.size());
}

void Bench::answer_late_writes() {
  for (std::size_t count = 0; count < answers_max && !late_writes_.empty(); ++count) {
    const SendWrite write = late_writes_.front();
    late_writes_.pop_front();
    answer(write);
  }
}

void Bench::answer(const SendWrite& write) {
  const ResourceKey target = write.action.target;
  if (target.type != ResourceType::Lease) writes.push_back(write.action);
  if (unreachable == target) return;
  Result<std::optional<ResourceView>> object = carry_out(write.action);
  if (loses_answer_of == target) {
    loses_answer_of.reset();
    object = failed(ErrorCode::Unavailable);
  }
  if (watch_is_first && target.type != ResourceType::Lease && object && *object) {
    deliver(WatchChanged{target.type, false, **object});
    tick();
  }
  deliver(WriteAnswered{write.write_id, std::move(object)});
}

void Bench::answer(const AskRay& ask) {
  if (heads_answer) return deliver(RayAnswered{ask.request_id, ray_reply(ask.request)});
  deliver(RayAnswered{ask.request_id, failed(ErrorCode::Unavailable)});
}

// Of a head without demand, which knows no worker yet.
void Bench::answer(const AskGcs& ask) {
  if (!heads_answer) return deliver(GcsAnswered{ask.request_id, failed(ErrorCode::Unavailable)});
  GcsReply reply;
  if (std::holds_alternative<GetResourceState>(ask.request.body)) {
    RayResourceState state;
    state.session = ray_session;
    reply = state;
  }
  deliver(GcsAnswered{ask.request_id, std::move(reply)});
}

Result<RayReply> Bench::ray_reply(const RayRequest& request) {
  RayReply reply;
  reply.session = ray_session;
  if (request.verb == RayVerb::PutServe && serving_heads_.insert(request.head_uid).second)
    configured.push_back(request.cluster);
  if (request.verb == RayVerb::GetServe) reply.serve = serve_info(request.head_uid);
  const auto known = taken_.find(request.submission_id);
  if (request.verb == RayVerb::SubmitJob && known == taken_.end()) {
    submitted.push_back(request.submission_id);
    taken_[request.submission_id] =
        request.body.json()["metadata"]["ray-gitops.io/run"].get<std::string>();
  }
  if (request.verb == RayVerb::GetJob && known != taken_.end())
    reply.job = RayJobInfo{.status = ray_says,
                           .run = known->second,
                           .error_type = "",
                           .driver_exit_code = std::nullopt,
                           .message = ""};
  return reply;
}

ServeInfo Bench::serve_info(const std::string& head_uid) const {
  ServeInfo info;
  if (!serving_heads_.contains(head_uid)) return info;
  info.applications["app"].status = serve_says;
  info.proxies.insert("10.0.0.1");
  return info;
}

// Of a pod only the label that says whether it serves is ever applied.
Json Bench::applied(const Action& action, const Json& live) const {
  if (action.verb != Verb::Apply || action.target.type != ResourceType::Pod)
    return action.body.json();
  Json object = live;
  const Json& metadata = action.body.json()["metadata"];
  object["metadata"]["labels"].erase(labels::k_serve);
  if (metadata.contains("labels")) object["metadata"]["labels"].update(metadata["labels"]);
  return object;
}

Result<std::optional<ResourceView>> Bench::carry_out(const Action& action) {
  const auto live = objects_.find(action.target);
  if (action.verb == Verb::Delete) {
    if (live == objects_.end()) return failed(ErrorCode::NotFound);
    remove(action.target);
    return std::optional<ResourceView>{};
  }
  if (action.verb == Verb::Create && live != objects_.end())
    return failed(ErrorCode::AlreadyExists);
  if (!refused_names.empty() && action.target.name.find(refused_names) != std::string::npos)
    return failed(ErrorCode::Forbidden);
  Json object = applied(action, live == objects_.end() ? Json() : live->second);
  object["metadata"]["uid"] = live == objects_.end() ? Json("uid-" + std::to_string(version_ + 1))
                                                     : live->second["metadata"]["uid"];
  store(action.target, std::move(object));
  return view(action.target);
}

void Bench::store(const ResourceKey& key, Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects_[key] = std::move(object);
}

void Bench::remove(const ResourceKey& key) {
  ResourceView last = *view(key);
  objects_.erase(key);
  std::visit([&](auto& object) { object.meta.resource_version = std::to_string(++version_); },
             last);
  deliver(WatchChanged{key.type, true, last});
  collect_garbage(meta_of(last).uid);
}

// What the object owned goes with it.
void Bench::collect_garbage(const std::string& owner_uid) {
  std::vector<ResourceKey> owned;
  for (const auto& [key, object] : objects_)
    if (meta_of(*view(key)).owner_uid == owner_uid) owned.push_back(key);
  for (const ResourceKey& key : owned)
    if (objects_.contains(key)) remove(key);
}

void Bench::put(const ResourceKey& key, Json object) {
  object["metadata"]["name"] = key.name;
  object["metadata"]["namespace"] = key.ns;
  object["metadata"]["uid"] = "uid-" + std::to_string(version_ + 1);
  store(key, std::move(object));
  if (const auto made = view(key); made && meta_of(*made).agent == options_.agent_id)
    deliver(WatchChanged{key.type, false, *made});
}

void Bench::start_pods() {
  for (auto& [key, object] : objects_) {
    if (key.type != ResourceType::Pod) continue;
    object["status"] = {{"phase", "Running"},
                        {"podIP", "10.0.0.1"},
                        {"conditions", {{{"type", "Ready"}, {"status", "True"}}}},
                        {"containerStatuses", running_containers(object, now().wall)}};
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    deliver(WatchChanged{key.type, false, *view(key)});
  }
  run();
}

std::optional<ResourceView> Bench::view(const ResourceKey& key) const {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return std::nullopt;
  Result<ResourceView> parsed = parse_view(key.type, found->second);
  return parsed ? std::optional(std::move(*parsed)) : std::nullopt;
}

bool Bench::has(const ResourceKey& key) const { return objects_.contains(key); }

std::optional<ServiceState> Bench::service_state(const std::string& service) const {
  const auto found = view(anchor_key({Kind::RayService, "default", service}));
  if (!found) return std::nullopt;
  Result<ServiceState> state = anchored_service_state(std::get<ConfigMapView>(*found));
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

std::vector<std::string> Bench::names(ResourceType type) const {
  std::vector<std::string> found;
  for (const auto& [key, object] : objects_)
    if (key.type == type) found.push_back(key.name);
  return found;
}

std::vector<ResourceView> Bench::listed(ResourceType type, const std::string& ns) const {
  std::vector<ResourceView> found;
  for (const auto& [key, object] : objects_)
    if (key.type == type && (ns.empty() || key.ns == ns)) found.push_back(*view(key));
  return found;
}

std::optional<ConfigMapView> Bench::anchor(const std::string& cluster) const {
  const auto found = view(anchor_key({Kind::RayCluster, "default", cluster}));
  return found ? std::optional(std::get<ConfigMapView>(*found)) : std::nullopt;
}

std::optional<JobState> Bench::job_state(const std::string& job) const {
  const auto found = view(anchor_key({Kind::RayJob, "default", job}));
  if (!found) return std::nullopt;
  const Result<JobState> state = anchored_job_state(std::get<ConfigMapView>(*found));
  return state ? std::optional(*state) : std::nullopt;
}

AgentState Bench::state() const {
  const auto found = view(agent_anchor_key(options_.agent_ns, options_.agent_id));
  if (!found) return {};
  return agent_state(std::get<ConfigMapView>(*found)).value_or(AgentState{});
}

status::ObjectStatus Bench::status_of(const std::string& cluster) {
  for (const status::ObjectStatus& status : engine_->facts(now()).objects)
    if (status.key.name == cluster) return status;
  return {};
}

}  // namespace ray_gitops::engine::test
