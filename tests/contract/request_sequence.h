#pragma once
// Random sequences of requests, and what of an answer must be the same on every API server.

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include "tests/contract/server_under_test.h"

namespace ray_gitops::contract {

// Which of an object's uids or resource versions a request names.
enum class Reference : std::uint8_t {
  None,
  Current,  // of the last answer that had the object
  First,    // of the first one: an object since deleted, or a version since overwritten
};

// One request to one of a few objects of a namespace. Uids and versions differ from server to
// server, so that they are named, not written.
struct Step {
  std::string method;
  std::string path;  // below the namespace, with its query: "configmaps/a?fieldManager=m"
  std::string content_type = "application/json";
  nlohmann::json body = {};
  Reference uid = Reference::None;      // of a write in its metadata, of a delete its precondition
  Reference version = Reference::None;  // the same
};

std::ostream& operator<<(std::ostream& out, const Step& step);

// Create, update, merge patch, apply by two managers, delete, get and list of two ConfigMaps,
// Services, pods, Leases or Roles.
rc::Gen<std::vector<Step>> any_sequence();

// Sends steps to one server, in one namespace, and remembers what they name.
class Player {
 public:
  Player(const Target& target, std::string ns) : target_(target), ns_(std::move(ns)) {}

  // The namespace, and the account that pods need there, which controllers make.
  bool make_namespace();
  void remove_namespace() const;

  // {"http", "body"}: without times, addresses and versions of the collection; uids and resource
  // versions are numbered in the order in which they came.
  nlohmann::json play(const Step& step);

  // The events of `plural` since make_namespace(), like the bodies of play(). Makes one object
  // more, to know where they end.
  nlohmann::json events(const std::string& plural);

 private:
  struct Seen {
    std::vector<std::string> uids;
    std::vector<std::string> versions;
  };

  Answer send(const std::string& method, const std::string& path, const std::string& type,
              const nlohmann::json& body, const std::string& until = {}) const;
  std::string path_of(const std::string& plural) const;
  nlohmann::json with_references(const Step& step) const;
  void remember(const std::string& object_path, const nlohmann::json& body);
  nlohmann::json normalize(nlohmann::json body);
  void normalize_object(nlohmann::json& object);
  std::string number_of(std::map<std::string, std::string>& numbers, const std::string& prefix,
                        const std::string& text) const;

  const Target& target_;
  std::string ns_;
  std::string first_version_;
  std::map<std::string, Seen> seen_;  // by the path of the object
  std::map<std::string, std::string> uids_;
  std::map<std::string, std::string> versions_;
};

}  // namespace ray_gitops::contract
