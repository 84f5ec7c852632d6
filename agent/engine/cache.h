#pragma once
// What the cluster holds of this agent's, kept current by one list and watch a type; one a type and
// namespace where the agent is kept to some.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine/event.h"
#include "agent/engine/parts.h"
#include "reconcilers/model/view.h"

namespace ray_gitops::engine {

// Is resource version `left` older than `right`? Kubernetes promises comparable decimal numbers
// since 1.35 and has served them for longer.
bool is_older(const std::string& left, const std::string& right);

class Cache {
 public:
  // Called for each change: what was there and what is there now, null where there is nothing.
  using OnChange = std::function<void(const ResourceView* before, const ResourceView* after)>;

  // `types` are what nothing can be decided without; `namespaces` those that are looked at, all of
  // them when it is empty.
  Cache(const std::vector<ResourceType>& types, OnChange on_change,
        std::set<std::string> namespaces = {});

  // Lists and watches one more type from now on: of companions that are in use.
  void watch(ResourceType type);

  void on(ListCompleted event);
  void on(WatchChanged event);
  void on(const WatchBookmark& event);
  void on(const WatchEnded& event, Now now, Effects& effects);

  // The server answers again: what waits because it did not waits no longer.
  void retry_now();
  // Starts lists and watches that are due.
  void pump(Now now, Effects& effects);
  Deadline deadline() const;

  // It is in a namespace that is looked at, or all are. What is in none, as a Namespace, is out of
  // reach of who looks at some.
  bool reaches(const ResourceKey& key) const;
  // A complete list of the type has been seen, in each namespace.
  bool is_complete(ResourceType type) const;
  // Of the types that nothing can be decided without.
  bool all_complete() const;
  // Why a type could never be listed completely; nullopt when it was, or nothing is known yet.
  std::optional<Error> problem_of(ResourceType type) const;

  // The answer to a write or a read of ours enters at once, if it is not older than what is there,
  // nor than what the watch has told already: then the object has gone since.
  void put(ResourceView view);
  // Gone. A uid that is not the cached one's removes nothing; an empty uid removes whatever is
  // there.
  void remove(const ResourceKey& key, const std::string& uid);

  const ResourceView* find(const ResourceKey& key) const;
  const std::map<ResourceKey, ResourceView>& all() const { return objects_; }
  // Pods, Services or Secrets with a cluster's label, in order of name.
  std::vector<PodView> pods_of(const std::string& ns, const std::string& cluster) const;
  std::size_t count_pods_of(const std::string& ns, const std::string& cluster) const;
  std::vector<ServiceView> services_of(const std::string& ns, const std::string& cluster) const;
  std::vector<SecretView> secrets_of(const std::string& ns, const std::string& cluster) const;
  // Anchors of clusters that were made for the job or service with this anchor, in order of name.
  std::vector<ConfigMapView> owned_by(const std::string& anchor_uid) const;
  // Services that this anchor owns, in order of name.
  std::vector<ServiceView> services_owned_by(const std::string& anchor_uid) const;

 private:
  enum class Stage { Idle, Listing, Listed, Watching };
  struct Watch {
    Stage stage = Stage::Idle;
    bool required = false;         // nothing is decided without it
    bool complete = false;         // listed at least once
    std::optional<Error> problem;  // why not yet
    std::string resource_version;
    int failures = 0;
    Instant due;
    Instant next_start;  // of a watch, not before
  };

  // What one list and watch is about.
  struct Scope {
    ResourceType type = ResourceType::Pod;
    std::string ns;  // empty: all namespaces
    auto operator<=>(const Scope&) const = default;
  };

  template <class View>
  std::vector<View> views_of(const std::string& ns, const std::string& cluster) const;
  std::vector<Scope> scopes_of(ResourceType type) const;
  const Watch* watch_of(const ResourceKey& key) const;
  void take(ResourceView view);
  void store(ResourceView view);
  void erase(std::map<ResourceKey, ResourceView>::iterator found);
  void index(const ResourceView& view, bool add);

  std::set<std::string> namespaces_;
  std::map<Scope, Watch> watches_;
  OnChange on_change_;
  std::map<ResourceKey, ResourceView> objects_;
  std::map<std::pair<std::string, std::string>, std::set<ResourceKey>> by_cluster_;
  std::map<std::string, std::set<ResourceKey>> owned_;  // ConfigMaps and Services by owner uid
};

}  // namespace ray_gitops::engine
