#pragma once
// The people: they commit, break and mend files, take things away, read the status branch and
// release what is held; and some of them use kubectl.

#include <map>
#include <set>
#include <string>

#include "tests/simulation/api.h"
#include "tests/simulation/core.h"
#include "tests/simulation/gcs.h"
#include "tests/simulation/git.h"
#include "tests/simulation/repository.h"

namespace ray_gitops::simulation {

class User {
 public:
  User(Core& core, Api& api, Git& git, Gcs& gcs) : core_(core), api_(api), git_(git), gcs_(gcs) {}

  // The first commit.
  void begin();
  // One more thing that people do, and again after a while, until calm_down.
  void keep_busy();
  // Mends all files and takes most of the foreign objects away; from then on only releases holds.
  void calm_down();
  // Commits the repository as it stands after `change`.
  void edit(const std::string& message, const std::function<void(Repository&)>& change);
  // A commit that releases what the status branch shows as held.
  bool release_hold();
  // With kubectl.
  void delete_by_hand(const local_cluster::StoreKey& key);
  // Those that no file makes, for agents that may not: k_team_ns, and k_far_ns, where none looks.
  void make_namespaces();
  // Makes an object with kubectl, where there is none of that name.
  void make_foreign(const local_cluster::StoreKey& key,
                    const std::map<std::string, std::string>& labels);

  const Repository& wanted() const { return wanted_; }
  // What a commit of the source branch says.
  const Repository& said(const std::string& commit) const { return said_.at(commit); }
  // Objects that people made in the cluster, as they made them.
  const std::map<local_cluster::StoreKey, Document>& foreign() const { return foreign_; }
  // Clusters of which a foreign object holds a name that cannot be another.
  bool is_blocked(const std::string& cluster) const;
  bool is_job_blocked(const std::string& job) const;
  bool is_service_blocked(const std::string& service) const;

 private:
  void act();
  void act_in_git();
  void act_in_cluster();
  void commit(const std::string& message);
  void change_cluster(Repository& repository);
  void damage_or_mend(Repository& repository);
  void submit_tasks();
  void add_cluster(Repository& repository);
  void remove_many(Repository& repository);
  void act_on_jobs();
  void add_job(Repository& repository);
  JobModel new_job(const std::string& name, const Repository& repository);
  void change_job(Repository& repository);
  void change_run(JobModel& job);
  void remove_job(Repository& repository);
  void damage_job(Repository& repository);
  void act_on_services();
  void add_service(Repository& repository);
  void change_service(Repository& repository);
  void remove_service(Repository& repository);
  void damage_service(Repository& repository);
  void push_back();
  void delete_something(const std::string& plural);
  void edit_service();
  void make_something_foreign();
  void release_later();

  Core& core_;
  Api& api_;
  Git& git_;
  Gcs& gcs_;
  bool busy_ = true;
  int edits_ = 0;
  int on_services_ = 300;  // thousandths of what they do in Git
  Repository wanted_;
  std::map<std::string, JobModel> gone_jobs_;  // as they were when their files were removed
  std::map<std::string, Repository> said_;
  std::map<local_cluster::StoreKey, Document> foreign_;
};

}  // namespace ray_gitops::simulation
