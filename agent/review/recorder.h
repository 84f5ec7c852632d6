#pragma once
// Makes a report of what an engine does while a preview goes on.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/review/imagined_cluster.h"
#include "agent/review/report.h"

namespace ray_gitops::review {

class Recorder {
 public:
  // What is really there. Types of companions are listed after the first deeds: what those made is
  // there in thought only.
  void begin(const ImaginedCluster& cluster);
  // `view` is what was written, or what is deleted.
  void note_write(const ObjectKey& subject, const Action& action, const ResourceView& view);
  void note_request(const ObjectKey& subject, const RayRequest& request);
  // Something was told of an object for the first time: what is said of it now is to be noted.
  bool wants_statuses() const { return first_.size() < records_.size(); }
  void note_statuses(const status::StatusFacts& facts);

  Report finish(const status::StatusFacts& facts, const ImaginedCluster& cluster) const;

 private:
  struct Pods {
    std::size_t made = 0;
    std::size_t deleted = 0;
  };
  struct Record {
    std::vector<Deed> deeds;
    std::map<std::pair<std::string, std::string>, Pods> pods;  // by cluster and group
  };
  using Statuses = std::map<ObjectKey, status::ObjectStatus>;

  static Statuses by_key(const status::StatusFacts& facts);
  ObjectPlan plan_of(const ObjectKey& key, const Statuses& after, bool exists) const;
  Deed shown(Deed deed) const;
  void note_name(const ResourceView& view);
  std::string shown(std::string text) const;

  std::set<ObjectKey> before_;
  std::map<ObjectKey, Record> records_;
  Statuses first_;  // of each object in records_, when the first was done
  // Names of clusters that are made for a job or a service follow from the uid of its anchor, which
  // is not known before that is made: name in thought -> as it is shown.
  std::map<std::string, std::string> nameless_;
};

}  // namespace ray_gitops::review
