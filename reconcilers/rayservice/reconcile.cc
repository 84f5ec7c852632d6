#include "reconcilers/rayservice/reconcile.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/manifest/anchor.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/manifest/labels.h"
#include "reconcilers/manifest/names.h"
#include "reconcilers/manifest/serve_service.h"
#include "reconcilers/manifest/view.h"
#include "reconcilers/parent/child.h"
#include "reconcilers/rayservice/clusters.h"
#include "reconcilers/rayservice/health.h"
#include "reconcilers/rayservice/round.h"
#include "reconcilers/rayservice/serve.h"

namespace ray_gitops::rayservice {
namespace {

using parent::Words;

constexpr const char* k_change_waits =
    "what the file changes of the cluster waits: upgradeStrategy.type is None";

class Reconciling : private Round {
 public:
  Reconciling(const Declaration& declaration, const ServiceObserved& observed,
              const std::string& agent_id, Now now)
      : Round(declaration.key, observed, agent_id, now),
        file_(declaration),
        spec_(std::get<RayServiceSpec>(declaration.spec)) {}

  Plan run();

 private:
  void decide();
  void begin();
  void retire_others();
  bool save_changes();
  bool serves_now(const ClusterNews& news) const;
  void forget_what_was_taken();
  void learn_what_was_taken();
  void save(const std::string& reason);
  void go_on();
  void rest();
  void ensure_cluster();
  void attend(const ServingCluster& entry);
  void label_pods(const ClusterNews& news);
  void ask(const ClusterNews& news, ServeStage stage);
  void plan_service();
  void repair_service(const ServiceView* live, const Document& body);
  RayServiceSpec served_spec() const;
  void speak();
  Words words_of(const ServingCluster& entry);
  void describe_wanted_anchor(Words& words) const;

  const ConfigMapView* find_child(const std::string& name) const;
  ClusterNews news(const ServingCluster& entry) const {
    return news_of(entry, observed_.clusters.value(), entry.name == next_.wanted);
  }
  const ServingCluster* active() const { return find_cluster(next_.state, next_.state.active); }
  const ServingCluster* wanted() const { return find_cluster(next_.state, next_.wanted); }
  bool is_upgrading() const {
    return active() != nullptr && wanted() != nullptr && active() != wanted();
  }

  const Declaration& file_;
  const RayServiceSpec& spec_;
  ServiceState state_;  // in the anchor
  NextClusters next_;   // the same once everything is saved
  std::optional<Words> active_words_;
  bool service_present_ = false;
};

Plan Reconciling::run() {
  decide();
  close_plan();
  plan_.conditions =
      conditions_of(plan_, active_words_ ? &*active_words_ : nullptr, is_upgrading());
  if (next_.keeps_old)
    plan_.conditions.push_back({"ClusterChangeWaits", true, "UpgradeStrategyNone", k_change_waits});
  return std::move(plan_);
}

void Reconciling::decide() {
  const auto& anchor = observed_.anchor.value();
  if (!anchor) return begin();
  if (is_leaving(*anchor))
    return say(Phase::Progressing, "AnchorLeaving",
               "its anchor is being deleted; it is made again once that is done");
  Result<ServiceState> state = anchored_service_state(*anchor_);
  if (!state) {
    leave_clusters_as_they_are();
    return say(Phase::Blocked, "StateUnreadable",
               "which cluster serves is not known: " + describe(state.error()) + "; delete " +
                   to_string(anchor_->meta.key) + " to let everything of it be made anew");
  }
  state_ = std::move(*state);
  retire_others();
  const Family family =
      family_of(key_.name, anchor_->meta.uid, children(), observed_.services.value());
  next_ = next_clusters(state_, spec_, family, now_.wall);
  if (!save_changes())
    go_on();
  else if (active() != nullptr)
    active_words_ = words_of(*active());
  const ServingCluster* shown = active() != nullptr ? active() : wanted();
  if (shown != nullptr)
    plan_.ray = ray_facts(news(*shown), is_upgrading() ? next_.wanted : std::string{});
}

void Reconciling::begin() {
  say(Phase::Applying, "CreatingAnchor", "its anchor is being created");
  create(anchor_key(key_), service_anchor_body(file_, ServiceState{}, agent_id_),
         "the service is declared and has no anchor yet");
}

// By what the anchor says: a cluster that leaves was left out there first (I3).
void Reconciling::retire_others() {
  for (const ConfigMapView& child : children())
    if (find_cluster(std::as_const(state_), cluster_of(child)) == nullptr)
      retire(child, spec_.suspend ? "the service is suspended" : "the service does not need it");
}

// True when the anchor is about to say something else: nothing else is done then (I3).
bool Reconciling::save_changes() {
  forget_what_was_taken();
  learn_what_was_taken();
  if (wanted() != nullptr && wanted() != active() && serves_now(news(*wanted())))
    switch_to_wanted(next_, spec_, now_.wall);
  std::string changes;
  for (const std::string& change : next_.changes) changes += "; " + change;
  if (anchor_->spec_hash != file_.spec_hash) {
    say(Phase::Applying, "DocumentChanged", "its document changed" + changes);
  } else if (!changes.empty()) {
    say(Phase::Applying, "StateChanged", changes.substr(2));
  } else {
    return false;
  }
  replace(anchor_->meta, service_anchor_body(file_, next_.state, agent_id_), plan_.message);
  return true;
}

// An answer from before it was wanted again says nothing of now.
bool Reconciling::serves_now(const ClusterNews& news) const {
  return read_stage(news, spec_) == ServeStage::Serving &&
         now_.monotonic < news.answers.serve_answered_at + k_calm_poll_interval;
}

// What a head has taken before is not known any more once it may have got another configuration.
void Reconciling::forget_what_was_taken() {
  for (ServingCluster& entry : next_.state.clusters) {
    if (entry.config_digest.empty() || entry.config_digest == spec_.serve_config_digest) continue;
    const bool is_put_again =
        entry.name == next_.state.active && read_stage(news(entry), spec_) == ServeStage::Missing;
    if (entry.name != next_.wanted && !is_put_again) continue;
    entry.head_uid.clear();
    entry.config_digest.clear();
    next_.changes.push_back("RayCluster " + entry.name + " is to get another Serve configuration");
  }
}

void Reconciling::learn_what_was_taken() {
  for (ServingCluster& entry : next_.state.clusters) {
    const ClusterNews known = news(entry);
    const std::string& digest = known.answers.config_digest;
    if (digest.empty() || digest != spec_.serve_config_digest) continue;
    if (entry.head_uid == known.facts.head_uid && entry.config_digest == digest) continue;
    entry.head_uid = known.facts.head_uid;
    entry.config_digest = digest;
    next_.changes.push_back("RayCluster " + entry.name + " has taken the Serve configuration");
  }
}

void Reconciling::go_on() {
  if (spec_.suspend) return rest();
  ensure_cluster();
  if (active() != nullptr) attend(*active());
  if (wanted() != nullptr && wanted() != active()) attend(*wanted());
  for (const ServingCluster& entry : next_.state.clusters)
    if (entry.leaves_at && *entry.leaves_at > now_.wall) look_again_at(*entry.leaves_at);
  if (active() != nullptr) plan_service();
  speak();
}

void Reconciling::rest() {
  remove_services("the service is suspended");
  if (children().empty() && observed_.services.value().empty())
    return say(Phase::Suspended, "Suspended", "suspended by its file; it has no cluster");
  say(Phase::Progressing, "Suspending",
      "suspended by its file; its clusters and its serve Service are leaving");
}

const ConfigMapView* Reconciling::find_child(const std::string& name) const {
  const auto found = std::find_if(children().begin(), children().end(),
                                  [&](const auto& child) { return cluster_of(child) == name; });
  return found == children().end() ? nullptr : &*found;
}

// A name that a terminating anchor holds is free once that is gone.
void Reconciling::ensure_cluster() {
  if (wanted() == nullptr) return;
  const Declaration cluster =
      parent::child_declaration(file_, spec_.cluster, {Kind::RayCluster, key_.ns, next_.wanted});
  const ConfigMapView* child = find_child(next_.wanted);
  if (child == nullptr)
    create_child(cluster, "the service needs a cluster");
  else if (!child->meta.terminating && !next_.keeps_old)
    update_child(*child, cluster, "the cluster's document in the service changed");
}

void Reconciling::attend(const ServingCluster& entry) {
  const ClusterNews known = news(entry);
  label_pods(known);
  ask(known, read_stage(known, spec_));
}

// A pod that is not Ready gets no requests, labelled or not; one that is not Ready yet may have an
// address that the last answer knows from another pod.
void Reconciling::label_pods(const ClusterNews& news) {
  if (!news.answers.serve) return;
  for (const ClusterPod& pod : news.facts.pods) {
    const bool serves = can_serve(pod, *news.answers.serve, spec_);
    if (serves == pod.serves || (serves && !pod.ready)) continue;
    apply({ResourceType::Pod, key_.ns, pod.name}, pod.uid,
          serve_label_body(pod.name, key_.ns, serves),
          serves ? "its Serve proxy is healthy" : "it is not to get requests for Serve");
  }
}

void Reconciling::ask(const ClusterNews& news, ServeStage stage) {
  const std::optional<ServeAsk> request = next_request(news, stage);
  if (!request) return;
  if (request->from && now_.monotonic < *request->from) return look_again_at(*request->from);
  const bool puts = request->verb == RayVerb::PutServe;
  plan_.ray_requests.push_back({.verb = request->verb,
                                .cluster = news.entry.name,
                                .head_uid = news.facts.head_uid,
                                .head_pod = news.facts.head_pod,
                                .address = news.facts.head_address,
                                .token_secret = news.facts.token_secret,
                                .submission_id = {},
                                .config_digest = puts ? spec_.serve_config_digest : std::string{},
                                .body = puts ? spec_.serve_config : Document{},
                                .reason = request->reason});
}

// The ports are those of the cluster that it leads to: during an upgrade the file's may be others.
RayServiceSpec Reconciling::served_spec() const {
  RayServiceSpec spec = spec_;
  const ConfigMapView* child = find_child(next_.state.active);
  if (child == nullptr) return spec;
  if (Result<Document> document = anchored_document(*child)) spec.cluster = std::move(*document);
  return spec;
}

void Reconciling::plan_service() {
  const OwnerFacts owner{agent_id_, anchor_->meta.key.name, anchor_->meta.uid};
  const Document body = serve_service_body(file_, served_spec(), next_.state.active, owner);
  const std::string name = serve_service_name(key_.name, spec_);
  const ServiceView* live = nullptr;
  for (const ServiceView& service : observed_.services.value())
    if (service.meta.key.name == name) live = &service;
  const std::string hash =
      text_of(member(body.json(), "metadata", "annotations", labels::k_desired_hash));
  service_present_ = live != nullptr && !live->meta.terminating &&
                     live->meta.desired_hash == hash &&
                     live->shape_digest == service_shape(body.json());
  if (!service_present_) return repair_service(live, body);
  for (const ServiceView& service : observed_.services.value())
    if (&service != live && !service.meta.terminating)
      remove(service.meta, "the serve Service has another name now");
}

// Replaced, not applied, as the head Service is: an apply would take back nothing that others
// changed.
void Reconciling::repair_service(const ServiceView* live, const Document& body) {
  if (live == nullptr) {
    const std::string name = serve_service_name(key_.name, spec_);
    return create({ResourceType::Service, key_.ns, name}, body, "the serve Service is missing");
  }
  if (live->meta.terminating) return;
  const bool wants_headless = text_of(member(body.json(), "spec", "clusterIP")) == "None";
  if (live->headless != wants_headless)
    return remove(live->meta, "the serve Service gets another kind of address");
  replace(live->meta, body,
          "the serve Service is to lead to RayCluster " + next_.state.active + " as its file says");
}

// A cluster that was well stays so for a while. Only the active one was.
Words Reconciling::words_of(const ServingCluster& entry) {
  const bool has_served = entry.name == next_.state.active;
  const ClusterNews known = news(entry);
  const ServeStage stage = read_stage(known, spec_);
  const std::optional<Instant> until = has_served ? well_until(known, spec_, stage) : std::nullopt;
  if (!until || *until <= now_.monotonic) return words_for(known, spec_, stage, has_served);
  look_again_at(*until);
  return words_for(known, spec_, ServeStage::Serving, has_served);
}

void Reconciling::describe_wanted_anchor(Words& words) const {
  const ConfigMapView* child = find_child(next_.wanted);
  const std::string name = "RayCluster " + next_.wanted;
  if (child == nullptr)
    words.message = name + " is being made";
  else if (child->meta.terminating)
    words.message = name + " is being deleted; it is made again after that";
}

void Reconciling::speak() {
  if (wanted() == nullptr)
    return say(Phase::Progressing, "Resuming",
               "a new cluster is made once those from before are gone");
  Words words = words_of(*wanted());
  if (words.phase != Phase::Ready) describe_wanted_anchor(words);
  if (active() != nullptr) active_words_ = active() == wanted() ? words : words_of(*active());
  if (is_upgrading()) words = words_for_upgrade(next_.state.active, *active_words_, words);
  if (active() != nullptr && !service_present_) {
    *active_words_ = {Phase::Applying, "ServiceNotReady",
                      "the serve Service is not there as declared"};
    if (words.phase == Phase::Ready) words = *active_words_;
  }
  if (next_.keeps_old) words.message += std::string("; ") + k_change_waits;
  say(std::move(words));
}

}  // namespace

Plan reconcile(const Declaration& declaration, const ServiceObserved& observed,
               const std::string& agent_id, Now now) {
  if (const auto unknown = first_unknown(observed)) return not_yet_known(Phase::Pending, *unknown);
  return Reconciling(declaration, observed, agent_id, now).run();
}

}  // namespace ray_gitops::rayservice
