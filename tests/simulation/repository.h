#pragma once
// What simulated people want, and how they write it into files.

#include <map>
#include <string>
#include <vector>

#include "reconcilers/model/declaration.h"
#include "reconcilers/model/object_key.h"
#include "tests/simulation/git.h"
#include "tests/simulation/ray_head.h"
#include "tests/simulation/serve.h"

namespace ray_gitops::simulation {

struct GroupModel {
  std::string name;
  std::int64_t replicas = 1;
  int revision = 0;  // of its pod template
  std::int64_t least = 0;
  std::int64_t most = 9;
  std::int64_t hosts = 1;  // numOfHosts
};

// Ways in which a file can be wrong.
enum class Damage {
  None,
  Invalid,   // parses and names its object, but breaks the schema
  Opaque,    // nobody can tell what it declares
  Refused,   // a symbolic link
  Duplicate  // right, but another file declares the same object
};

// The Ray release of image 0 is 2.60.
inline constexpr int k_first_release = 60;

// What a cluster is made of.
struct ClusterShape {
  int image = 0;
  int head_revision = 0;
  bool suspend = false;
  bool node_port = false;   // of the head Service
  bool autoscales = false;  // with the demand for workers of one CPU each
  bool asks_for_token = false;
  std::vector<GroupModel> groups;
};

struct ClusterModel : ClusterShape {
  std::string ns;
  std::string path;
  Damage damage = Damage::None;
};

struct JobModel {
  std::string ns;
  std::string path;
  Damage damage = Damage::None;
  Work work;
  std::string selects;  // a cluster in the job's namespace; empty: one of its own
  std::int64_t workers = 0;
  int backoff_limit = 0;
  int deadline = 0;  // activeDeadlineSeconds; 0: none
  bool shuts_down = true;
  int ttl = 0;
  bool suspend = false;
  int again = 0;  // annotation ray-gitops.io/run; 0: none
};

struct ServiceModel {
  std::string ns;
  std::string path;
  Damage damage = Damage::None;
  int revision = 0;  // of the Serve configuration
  std::string import_path = k_fine_application;
  bool has_second = false;  // a second application
  bool suspend = false;
  bool excludes_head = false;
  bool replaces_cluster = true;  // upgradeStrategy.type is not None
  int deletion_delay = 60;       // seconds
  ClusterShape cluster;
};

// A group of single pods, `small`, or one of replicas of two hosts, `big`.
GroupModel group_named(const std::string& name, std::int64_t replicas);

struct Repository {
  std::map<std::string, ClusterModel> clusters;  // by name
  std::map<std::string, JobModel> jobs;          // by name
  std::map<std::string, ServiceModel> services;  // by name
  // A ConfigMap in k_team_ns, and the Namespace, where the agents may make it.
  bool companions = false;
  int companion_revision = 0;
  bool has_namespaces = false;  // which people made: no file does
  // How many pods the clusters may have together when demand asks for more; 0: there is no policy.
  int pods_quota = 0;

  bool has_opaque_file() const;
  // Objects that some readable file declares or at least names.
  bool names(const ObjectKey& key) const;
};

inline constexpr const char* k_team_ns = "team";
inline constexpr const char* k_far_ns = "elsewhere";  // no agent is kept to it
inline constexpr const char* k_companion_name = "settings";
inline constexpr const char* k_policy_path = "policy.yaml";

ObjectKey key_of(const std::string& name, const ClusterModel& cluster);
ObjectKey key_of(const std::string& name, const JobModel& job);
ObjectKey key_of(const std::string& name, const ServiceModel& service);
// The run that the job's file asks for (RayJobSpec::run_hash), whatever damage it has.
std::string run_hash_of(const std::string& name, const JobModel& job);
// What the service's file declares, whatever damage it has.
Declaration declaration_of(const std::string& name, const ServiceModel& service);
Files render_files(const Repository& repository);

}  // namespace ray_gitops::simulation
