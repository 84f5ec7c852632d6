#include "reconcilers/rayservice/clusters.h"

#include <algorithm>
#include <utility>

#include "reconcilers/manifest/names.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::rayservice {
namespace {

std::string title(const std::string& cluster) { return "RayCluster " + cluster; }

template <class Clusters>
auto find_in(Clusters& clusters, const std::string& name) {
  const auto found =
      std::find_if(clusters.begin(), clusters.end(),
                   [&](const ServingCluster& cluster) { return cluster.name == name; });
  return found == clusters.end() ? nullptr : &*found;
}

std::string child_name(const Family& family, std::int64_t number) {
  constexpr std::size_t k_digits = 5;
  const std::string identity = family.anchor_uid + "\n" + std::to_string(number);
  return fit_name(family.service + "-" + short_hash(identity, k_digits));
}

// One round's changes of the remembered clusters.
class Succession {
 public:
  Succession(const ServiceState& state, const RayServiceSpec& spec, const Family& family,
             WallTime now)
      : spec_(spec), family_(family), now_(now) {
    next_.state = state;
  }

  NextClusters run();

 private:
  void suspend();
  void forget_lost();
  void let_expire();
  void choose_wanted();
  void make_another();
  void make_room();
  void take_on_spec();
  void drop_unwanted();

  bool is_active(const ServingCluster& cluster) const { return cluster.name == state().active; }
  // Requests are led to it, or are about to be.
  bool is_needed(const ServingCluster& cluster) const {
    return is_active(cluster) || family_.led_to.contains(cluster.name);
  }
  bool is_living(const ServingCluster& cluster) const {
    return family_.living.contains(cluster.name);
  }
  ServiceState& state() { return next_.state; }
  const ServiceState& state() const { return next_.state; }
  void tell(std::string change) { next_.changes.push_back(std::move(change)); }
  template <class Condition>
  void erase_if(Condition condition, const std::string& why);

  const RayServiceSpec& spec_;
  const Family& family_;
  WallTime now_;
  NextClusters next_;
};

NextClusters Succession::run() {
  if (spec_.suspend) {
    suspend();
    return std::move(next_);
  }
  forget_lost();
  let_expire();
  choose_wanted();
  if (next_.wanted.empty()) make_another();
  take_on_spec();
  drop_unwanted();
  return std::move(next_);
}

template <class Condition>
void Succession::erase_if(Condition condition, const std::string& why) {
  std::erase_if(state().clusters, [&](const ServingCluster& cluster) {
    if (!condition(cluster)) return false;
    tell(title(cluster.name) + why);
    if (is_active(cluster)) state().active.clear();
    return true;
  });
}

void Succession::suspend() {
  if (state().clusters.empty() && state().active.empty()) return;
  state().clusters.clear();
  state().active.clear();
  tell("it is suspended by its file");
}

void Succession::forget_lost() {
  erase_if(
      [&](const ServingCluster& cluster) { return !is_living(cluster) && !fits(cluster, spec_); },
      " is gone, or was never made, and is not what the file asks for");
  if (state().active.empty() || find_cluster(state(), state().active) != nullptr) return;
  tell(title(state().active) + " is not known any more");
  state().active.clear();
}

void Succession::let_expire() {
  erase_if(
      [&](const ServingCluster& cluster) {
        return !is_needed(cluster) && cluster.leaves_at && *cluster.leaves_at <= now_;
      },
      " leaves: rayClusterDeletionDelaySeconds has passed since another one serves");
}

void Succession::choose_wanted() {
  const ServingCluster* active = find_cluster(std::as_const(state()), state().active);
  if (!spec_.replaces_cluster && active != nullptr) {
    next_.wanted = active->name;
    next_.keeps_old = !fits(*active, spec_);
    return;
  }
  for (const ServingCluster& cluster : state().clusters)
    if (fits(cluster, spec_)) next_.wanted = cluster.name;
}

// Clusters from before a suspension would hold what the new one needs.
void Succession::make_another() {
  if (state().clusters.empty() && !family_.children.empty()) return;
  make_room();
  ServingCluster cluster;
  do {
    cluster.name = child_name(family_, ++state().made);
  } while (find_cluster(state(), cluster.name) != nullptr ||
           family_.children.contains(cluster.name));
  cluster.head_hash = spec_.head_hash;
  cluster.group_hashes = spec_.group_hashes;
  next_.wanted = cluster.name;
  tell(title(cluster.name) + (state().clusters.empty()
                                  ? " is made: the service has none"
                                  : " is made: the file asks for another cluster"));
  state().clusters.push_back(std::move(cluster));
}

void Succession::make_room() {
  auto& clusters = state().clusters;
  while (clusters.size() >= k_serving_clusters_max) {
    auto first = std::find_if(clusters.begin(), clusters.end(),
                              [&](const ServingCluster& cluster) { return !is_needed(cluster); });
    if (first == clusters.end()) return;
    tell(title(first->name) + " leaves before its time: there are too many");
    clusters.erase(first);
  }
}

void Succession::take_on_spec() {
  ServingCluster* wanted = find_cluster(state(), next_.wanted);
  if (wanted == nullptr) return;
  if (wanted->leaves_at) {
    tell(title(wanted->name) + " is to serve again");
    wanted->leaves_at.reset();
  }
  if (next_.keeps_old || wanted->group_hashes == spec_.group_hashes) return;
  tell(title(wanted->name) + " takes on added worker groups");
  wanted->group_hashes = spec_.group_hashes;
}

// What was made and never served, and what is gone.
void Succession::drop_unwanted() {
  erase_if(
      [&](const ServingCluster& cluster) {
        if (cluster.name == next_.wanted) return false;
        return !is_living(cluster) || (!is_needed(cluster) && !cluster.leaves_at);
      },
      " is not wanted any more");
}

}  // namespace

const ServingCluster* find_cluster(const ServiceState& state, const std::string& name) {
  return find_in(state.clusters, name);
}

ServingCluster* find_cluster(ServiceState& state, const std::string& name) {
  return find_in(state.clusters, name);
}

std::string cluster_of(const ConfigMapView& child) {
  static const std::string k_prefix = anchor_key({Kind::RayCluster, {}, {}}).name;
  const std::string& name = child.meta.key.name;
  return name.starts_with(k_prefix) ? name.substr(k_prefix.size()) : std::string{};
}

bool fits(const ServingCluster& cluster, const RayServiceSpec& spec) {
  if (cluster.head_hash != spec.head_hash) return false;
  return std::all_of(cluster.group_hashes.begin(), cluster.group_hashes.end(),
                     [&](const auto& group) {
                       const auto found = spec.group_hashes.find(group.first);
                       return found != spec.group_hashes.end() && found->second == group.second;
                     });
}

Family family_of(const std::string& service, const std::string& anchor_uid,
                 const std::vector<ConfigMapView>& children,
                 const std::vector<ServiceView>& services) {
  Family family{service, anchor_uid, {}, {}, {}};
  for (const ConfigMapView& child : children) {
    family.children.insert(cluster_of(child));
    if (!child.meta.terminating) family.living.insert(cluster_of(child));
  }
  for (const ServiceView& leading : services) family.led_to.insert(leading.selects);
  return family;
}

NextClusters next_clusters(const ServiceState& state, const RayServiceSpec& spec,
                           const Family& family, WallTime now) {
  return Succession(state, spec, family, now).run();
}

void switch_to_wanted(NextClusters& next, const RayServiceSpec& spec, WallTime now) {
  if (ServingCluster* before = find_cluster(next.state, next.state.active))
    before->leaves_at = now + spec.cluster_deletion_delay;
  next.state.active = next.wanted;
  next.changes.push_back(title(next.wanted) + " serves from now on");
}

}  // namespace ray_gitops::rayservice
