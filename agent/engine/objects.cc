#include "agent/engine/objects.h"

#include <algorithm>
#include <utility>

#include "reconcilers/manifest/names.h"
#include "reconcilers/raycluster/census.h"
#include "reconcilers/raycluster/reconcile.h"
#include "reconcilers/raycluster/replicas.h"
#include "reconcilers/sync/companion.h"

namespace ray_gitops::engine {
namespace {

std::string short_commit(const std::string& commit) { return commit.substr(0, 7); }

}  // namespace

Objects::Objects(const EngineOptions& options, Cache& cache, Writes& writes, Heads& heads,
                 Autoscaling& autoscaling, Publisher& publisher)
    : options_(options),
      cache_(cache),
      writes_(writes),
      heads_(heads),
      autoscaling_(autoscaling),
      publisher_(publisher) {}

void Objects::mark(const ObjectKey& key) {
  records_.try_emplace(key);
  dirty_.insert(key);
}

// Moves the object's place in the queue of looks.
void Objects::look_at(const ObjectKey& key, Record& record, Deadline when) {
  if (record.due) due_.erase({*record.due, key});
  record.due = when;
  if (record.due) due_.insert({*record.due, key});
}

void Objects::look_at_all() {
  for (const auto& [key, record] : records_) dirty_.insert(key);
}

void Objects::accept(const LoadedCommit& commit, const AgentState& state,
                     const std::string& hold_message) {
  const bool look_at_everything =
      !accepted_ || opaque_file_ != commit.opaque_file || hold_message_ != hold_message;
  accepted_ = true;
  opaque_file_ = commit.opaque_file;
  hold_message_ = hold_message;
  std::map<ObjectKey, Wish> wishes;
  for (const auto& [key, record] : records_) wishes[key];
  for (const auto& [key, declaration] : commit.declarations) wishes[key].declared = declaration;
  for (const auto& [key, diagnostic] : commit.invalid) wishes[key].invalid = diagnostic;
  for (const auto& [key, place] : commit.places) wishes[key].place = place;
  for (const ObjectKey& key : state.held) wishes[key].held = true;
  for (const ObjectKey& key : state.removals) wishes[key].removal_approved = true;
  for (const ObjectKey& key : state.companions) wishes[key].in_inventory = true;
  for (auto& [key, wish] : wishes) {
    const auto [found, is_new] = records_.try_emplace(key);
    if (is_new || !is_same(found->second.wish, wish)) dirty_.insert(key);
    found->second.wish = std::move(wish);
  }
  watch_companions();
  if (look_at_everything) look_at_all();
}

void Objects::foresee(const AgentState& state) {
  for (const ObjectKey& key : state.removals) {
    mark(key);
    records_.at(key).wish.removal_approved = true;
  }
  watch_companions();
}

// Alike in all that a decision or the status looks at; which commit said it is not among it.
bool Objects::is_same(const Wish& left, const Wish& right) {
  const auto text_of = [](const Wish& wish) {
    std::string text = wish.place.path + "\n" + std::to_string(wish.place.line) + "\n";
    if (wish.invalid) text += to_string(*wish.invalid) + "\n";
    if (!wish.declared) return text;
    text += wish.declared->spec_hash + "\n";
    if (wish.declared->blocked) text += to_string(*wish.declared->blocked);
    return text;
  };
  return left.held == right.held && left.removal_approved == right.removal_approved &&
         left.in_inventory == right.in_inventory &&
         left.declared.has_value() == right.declared.has_value() && text_of(left) == text_of(right);
}

std::optional<ObjectKey> Objects::owner_of(const ResourceView& view) const {
  if (const auto companion = companion_of(view)) return companion;
  if (const auto* pod = std::get_if<PodView>(&view))
    return ObjectKey{Kind::RayCluster, pod->meta.key.ns, pod->cluster};
  if (const auto* service = std::get_if<ServiceView>(&view)) return owner_of_service(*service);
  if (const auto* secret = std::get_if<SecretView>(&view); secret && !secret->cluster.empty())
    return ObjectKey{Kind::RayCluster, secret->meta.key.ns, secret->cluster};
  const ObjectMeta& meta = meta_of(view);
  if (const auto* map = std::get_if<ConfigMapView>(&view); map && !map->anchor_kind.empty()) {
    const Result<ObjectKey> key = anchored_key(*map);
    return key ? std::optional(*key) : std::nullopt;
  }
  const std::optional<Kind> kind = companion_kind(meta.key.type);
  if (!kind) return std::nullopt;
  return ObjectKey{*kind, meta.key.ns, meta.key.name};
}

// A head Service is its cluster's, whoever owns it; a serve Service is its anchor's.
ObjectKey Objects::owner_of_service(const ServiceView& service) {
  const std::string& ns = service.meta.key.ns;
  return parent_named(ns, service.owner_name)
      .value_or(ObjectKey{Kind::RayCluster, ns, service.cluster});
}

void Objects::count_failure(const PodView* before, const PodView& after, const ObjectKey& key,
                            Now now) {
  const bool same_pod = before != nullptr && before->meta.uid == after.meta.uid;
  if (after.meta.terminating || !has_failed(after)) return;
  if (same_pod && has_failed(*before)) return;
  if (autoscaling_.is_leaving(key, after.meta.uid)) return;
  // A replica that fails as a whole has failed once.
  Record& record = records_[key];
  const std::string replica = raycluster::replica_key(after);
  if (!replica.empty() && !record.lost_replicas.insert(replica).second) return;
  PodFailures& failures = record.failures[after.group];
  if (now.monotonic - failures.last > k_failures_remembered) failures.count = 0;
  ++failures.count;
  failures.last = now.monotonic;
}

// Seen at once, since it may be made again before anybody looks.
void Objects::note_lost_host(const PodView& gone, const ObjectKey& key) {
  const ConfigMapView* anchor = anchor_of(key);
  const bool is_ours = anchor != nullptr && gone.meta.owner_uid == anchor->meta.uid;
  if (!is_ours || autoscaling_.is_leaving(key, gone.meta.uid)) return;
  if (const std::string replica = raycluster::replica_key(gone); !replica.empty())
    records_.at(key).lost_replicas.insert(replica);
}

// Those of which nothing is left.
void Objects::forget_lost_replicas(Record& record, const std::vector<PodView>& pods) {
  if (record.lost_replicas.empty()) return;
  std::set<std::string> there;
  for (const PodView& pod : pods) there.insert(raycluster::replica_key(pod));
  std::erase_if(record.lost_replicas,
                [&](const std::string& replica) { return !there.contains(replica); });
}

// It may want to give that name to the Secret with its token.
void Objects::wake_cluster_named_as(const ResourceKey& secret) {
  const ObjectKey cluster{Kind::RayCluster, secret.ns, secret.name};
  if (secret.type == ResourceType::Secret && records_.contains(cluster)) dirty_.insert(cluster);
}

void Objects::on_change(const ResourceView* before, const ResourceView* after, Now now) {
  const ResourceView& view = after != nullptr ? *after : *before;
  wake_cluster_named_as(meta_of(view).key);
  const std::optional<ObjectKey> key = owner_of(view);
  if (!key) return;
  if (is_companion(key->kind) && !records_.contains(*key)) return;
  mark(*key);
  if (const auto* map = std::get_if<ConfigMapView>(&view))
    if (const auto parent = anchored_parent(*map)) mark(*parent);
  if (key->kind == Kind::RayCluster) tell_watchers_of(*key);
  if (is_companion(key->kind) && (after == nullptr || meta_of(*after).terminating))
    wake_whom_it_kept(*key);
  if (const auto* pod = std::get_if<PodView>(&view); pod != nullptr && after == nullptr)
    note_lost_host(*pod, *key);
  if (after == nullptr) return;
  writes_.decided(meta_of(*after).key);
  if (const auto* pod = std::get_if<PodView>(after))
    count_failure(before == nullptr ? nullptr : std::get_if<PodView>(before), *pod, *key, now);
  Record& record = records_.at(*key);
  // After a restart the first sight is taken as ours.
  if (is_companion(key->kind) && !record.companion.fields)
    record.companion.fields = ownership_of(*after).ours;
}

void Objects::on_answer(const ResourceKey& target, const ResourceView* written, Now now) {
  const std::optional<ObjectKey> owner = targets_.owner_of(target);
  if (!owner) return;
  const ObjectKey& key = *owner;
  const auto record = records_.find(key);
  if (record != records_.end() && is_companion(key.kind) && written != nullptr)
    note_written_companion(record->second, *written, now);
  if (is_companion(key.kind)) wake_whom_it_kept(key);
  if (!writes_.refusals().contains(target) && !writes_.is_unknown(target)) targets_.erase(target);
  mark(key);
  wake_cluster_named_as(target);
  // Jobs and services write their clusters' anchors: the cluster waits for the answer, too.
  const ResourceView* view = cache_.find(target);
  const std::optional<ObjectKey> of = view == nullptr ? std::nullopt : owner_of(*view);
  if (of && records_.contains(*of)) dirty_.insert(*of);
}

Deadline Objects::deadline() const {
  if (!dirty_.empty()) return Instant{};
  return due_.empty() ? std::nullopt : Deadline{due_.begin()->first};
}

// Nothing declares it and nothing of it is left that the agent could act on.
bool Objects::is_gone(const ObjectKey& key, const Record& record) const {
  const bool wanted = record.wish.declared || record.wish.invalid || record.wish.held;
  if (wanted || !accepted_ || !cache_.all_complete()) return false;
  if (!is_companion(key.kind)) return anchor_of(key) == nullptr;
  // What the inventory does not have is not ours to remove (I6), whatever it was once.
  if (!record.wish.in_inventory) return true;
  const ResourceKey target = sync::companion_resource(key);
  if (!cache_.reaches(target)) return true;
  if (!cache_.is_complete(target.type)) return false;
  const ResourceView* live = cache_.find(target);
  return live == nullptr || !meta_of(*live).owner_uid.empty() || !is_prunable(key);
}

// Without `room` nothing is written.
void Objects::reconcile(const ObjectKey& key, Record& record, std::optional<std::size_t> room,
                        Now now, Effects& effects) {
  // While a save of the anchor is unanswered, nothing is known that a decision could rely on.
  const ResourceKey anchor = anchor_key(key);
  if (!is_companion(key.kind) && (writes_.is_under_way(anchor) || writes_.is_unknown(anchor)))
    return;
  forgive_what_we_made(key);
  if (is_unjudged(key, record))
    unjudged_.insert(key);
  else
    unjudged_.erase(key);
  const Choice choice = choose(key, record);
  const Plan plan = plan_for(key, record, choice, room.value_or(0), now);
  ++reconciles_[key.kind];
  Deadline next = plan.next_look_at;
  if (is_parent(key.kind)) retire(key, plan);
  if (room) next = earlier(next, send(key, plan, *room, now, effects));
  look_at(key, record, earlier(next, forget_stale_refusals(key, plan, now)));
  note(key, record, choice, plan, now, effects);
  if (key.kind == Kind::RayCluster) tell_watchers_of(key);
  tell_policies();
}

bool Objects::is_unjudged(const ObjectKey& key, const Record& record) const {
  const Wish& wish = record.wish;
  const bool judged = wish.declared || wish.invalid || wish.held || wish.removal_approved;
  if (!accepted_ || judged || opaque_file_) return false;
  if (is_companion(key.kind))
    return wish.in_inventory && is_prunable(key) &&
           cache_.find(sync::companion_resource(key)) != nullptr;
  const ConfigMapView* anchor = anchor_of(key);
  return anchor != nullptr && !is_child(anchor);
}

// What a job or a service says of its cluster, whatever the commit says.
Objects::Choice Objects::choose_child(const ObjectKey& key, const Record& record) {
  Choice choice;
  if (record.retired) choice.basis = record.retired->empty() ? Basis::LastGood : Basis::Removal;
  if (record.wish.declared)
    choice.overlay =
        Overlay{Phase::Blocked, "NameTaken",
                to_string(anchor_key(key)) + " belongs to a cluster of a job or a service",
                "give the cluster another name"};
  return choice;
}

Objects::Choice Objects::choose(const ObjectKey& key, const Record& record) const {
  const ConfigMapView* anchor = is_companion(key.kind) ? nullptr : anchor_of(key);
  if (is_child(anchor)) return choose_child(key, record);
  const Basis fallback = anchor == nullptr ? Basis::Nothing : Basis::LastGood;
  const std::string running =
      anchor == nullptr
          ? ""
          : "; the generation of commit " + short_commit(anchor->commit) + " keeps running";
  if (record.wish.removal_approved) return {Basis::Removal, std::nullopt};
  if (!accepted_) return {fallback, std::nullopt};
  if (record.wish.held)
    return {fallback, Overlay{Phase::Held, "WaitsForRelease", hold_message_, ""}};
  if (record.wish.invalid)
    return {fallback,
            Overlay{Phase::Blocked, record.wish.invalid->rule,
                    to_string(*record.wish.invalid) + running, record.wish.invalid->write}};
  if (record.wish.declared && record.wish.declared->blocked) {
    const Diagnostic& blocked = *record.wish.declared->blocked;
    return {fallback,
            Overlay{Phase::Blocked, blocked.rule, to_string(blocked) + running, blocked.write}};
  }
  if (record.wish.declared) return {Basis::Declared, std::nullopt};
  if (opaque_file_)
    return {fallback, Overlay{Phase::Held, "AbsenceUnknown",
                              "no readable file declares it, but " + *opaque_file_ +
                                  " cannot be understood and may: nothing is deleted" + running,
                              "mend " + *opaque_file_}};
  return {fallback, std::nullopt};
}

const ConfigMapView* Objects::anchor_of(const ObjectKey& key) const {
  const ResourceView* view = cache_.find(anchor_key(key));
  const auto* map = view == nullptr ? nullptr : std::get_if<ConfigMapView>(view);
  // One of that name that somebody else made is none.
  return map != nullptr && anchored_key(*map).has_value() ? map : nullptr;
}

const Declaration* Objects::last_good(const ObjectKey& key, Record& record) {
  const ConfigMapView* anchor = anchor_of(key);
  if (anchor == nullptr) return nullptr;
  const std::string of = anchor->meta.uid + anchor->spec_hash;
  if (record.last_good_of != of) {
    record.last_good.reset();
    record.last_good_of = of;
    const Result<Document> document = anchored_document(*anchor);
    if (document) {
      Result<Declaration> parsed = parse_document(*document, anchored_provenance(*anchor));
      if (parsed && parsed->key == key && !parsed->blocked) {
        record.last_good = std::move(*parsed);
        // What the anchor was made from stays what it is, whatever this release would hash it to.
        record.last_good->spec_hash = anchor->spec_hash;
      }
    }
  }
  return record.last_good ? &*record.last_good : nullptr;
}

Plan Objects::plan_for(const ObjectKey& key, Record& record, const Choice& choice, std::size_t room,
                       Now now) {
  if (is_companion(key.kind)) return plan_companion(key, record, choice, now);
  if (key.kind == Kind::RayCluster) return plan_cluster(key, record, choice, room, now);
  if (key.kind == Kind::RayJob) return plan_job(key, record, choice, now);
  if (key.kind == Kind::RayService) return plan_service(key, record, choice, now);
  if (key.kind == Kind::AutoscalerPolicy) return plan_policy(key, record, choice, now);
  return {};
}

Plan Objects::plan_cluster(const ObjectKey& key, Record& record, const Choice& choice,
                           std::size_t room, Now now) {
  ClusterObserved observed = observe_cluster(key, record, now);
  if (observed.pods.is_known()) forget_lost_replicas(record, observed.pods.value());
  observed.lost_replicas = record.lost_replicas;
  const auto towards = [&](const Declaration& declaration) {
    size(declaration, observed, now);
    Plan plan = raycluster::reconcile(declaration, observed, options_.agent_id, now);
    if (observed.scaling)
      plan.next_look_at = earlier(plan.next_look_at, autoscaling_.policies_change_at(now));
    return plan;
  };
  // One more than is sent says that there is more to do.
  observed.creates_max = static_cast<std::int64_t>(room) + 1;
  switch (choice.basis) {
    case Basis::Removal:
      autoscaling_.fleet().forget(key);
      return raycluster::plan_removal(key, departure_of(record), observed, now);
    case Basis::Declared:
      if (anchor_of(key) == nullptr && waits_for_companions(key)) return waiting_for_companions();
      return towards(*record.wish.declared);
    case Basis::LastGood:
      if (const Declaration* declaration = last_good(key, record)) return towards(*declaration);
      break;
    case Basis::Nothing:
      break;
  }
  return not_yet_known();
}

// Demand decides how many workers there are, or the file does.
void Objects::size(const Declaration& declaration, ClusterObserved& observed, Now now) {
  if (scales(declaration, observed)) {
    observed.scaling = autoscaling_.decide(declaration, observed, now);
    return;
  }
  autoscaling_.forget(declaration.key);
  if (observed.pods.is_known()) autoscaling_.note_fixed(declaration, observed);
}

// Whether the cluster's size follows its demand now.
bool Objects::scales(const Declaration& declaration, const ClusterObserved& observed) {
  const auto& spec = std::get<RayClusterSpec>(declaration.spec);
  return spec.autoscaling && !spec.suspend && observed.anchor.is_known() &&
         observed.pods.is_known();
}

raycluster::Departure Objects::departure_of(const Record& record) {
  if (!record.retired) return {};
  return {"Retired", *record.retired};
}

Plan Objects::not_yet_known() const {
  Plan plan;
  plan.reason = "NotYetKnown";
  plan.message = accepted_ ? "nothing of it can be acted on" : "no commit has been read yet";
  plan.clusters_undecided = true;
  return plan;
}

Unknown Objects::incomplete(ResourceType type) {
  return {std::string("the list of ") + plural_of(type) + " is not complete yet"};
}

Fact<std::optional<ConfigMapView>> Objects::observe_anchor(const ObjectKey& key) const {
  if (!cache_.is_complete(ResourceType::ConfigMap)) return incomplete(ResourceType::ConfigMap);
  const ConfigMapView* anchor = anchor_of(key);
  return Known<std::optional<ConfigMapView>>{anchor == nullptr ? std::nullopt
                                                               : std::optional(*anchor)};
}

ClusterObserved Objects::observe_cluster(const ObjectKey& key, const Record& record,
                                         Now now) const {
  ClusterObserved observed;
  observed.anchor = observe_anchor(key);
  observed.pods = incomplete(ResourceType::Pod);
  if (cache_.is_complete(ResourceType::Pod))
    observed.pods = Known<std::vector<PodView>>{cache_.pods_of(key.ns, key.name)};
  observed.services = incomplete(ResourceType::Service);
  if (cache_.is_complete(ResourceType::Service))
    observed.services = Known<std::vector<ServiceView>>{cache_.services_of(key.ns, key.name)};
  observed.secrets = incomplete(ResourceType::Secret);
  if (cache_.is_complete(ResourceType::Secret))
    observed.secrets = Known<std::vector<SecretView>>{secrets_around(key)};
  observed.refusals = refusals_of(key);
  observed.creates = creates_of(key);
  for (const auto& [group, failures] : record.failures)
    if (now.monotonic - failures.last <= k_failures_remembered) observed.failures[group] = failures;
  observed.was_ready = record.was_ready;
  return observed;
}

// Those with the cluster's label, and the one with its name, whosever it is.
std::vector<SecretView> Objects::secrets_around(const ObjectKey& cluster) const {
  std::vector<SecretView> secrets = cache_.secrets_of(cluster.ns, cluster.name);
  const ResourceView* named = cache_.find({ResourceType::Secret, cluster.ns, cluster.name});
  const auto* secret = named == nullptr ? nullptr : std::get_if<SecretView>(named);
  if (secret != nullptr && secret->cluster != cluster.name) secrets.push_back(*secret);
  return secrets;
}

sync::LiveFacts Objects::live_facts(const AgentState& state, const LoadedCommit& commit) {
  sync::LiveFacts live;
  live.approved_removals = {state.removals.begin(), state.removals.end()};
  for (auto& [key, record] : records_) {
    if (is_companion(key.kind)) continue;
    const ConfigMapView* anchor = anchor_of(key);
    if (anchor == nullptr || is_child(anchor)) continue;
    const auto wanted = commit.declarations.find(key);
    // The same document restarts nothing: no need to look into the anchor.
    const Declaration* declaration =
        wanted != commit.declarations.end() && wanted->second.spec_hash == anchor->spec_hash
            ? &wanted->second
            : last_good(key, record);
    live.objects[key] =
        declaration == nullptr ? sync::RestartHashes{} : sync::restart_hashes(*declaration);
  }
  for (const ObjectKey& key : state.companions)
    if (may_be_there(key) && (key.kind == Kind::Namespace || is_prunable(key))) live.objects[key];
  return live;
}

}  // namespace ray_gitops::engine
