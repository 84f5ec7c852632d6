#pragma once
// Who sends a sequence of requests to a server, and what of its answers must be the same on every
// API server.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/contract/request_sequence.h"
#include "tests/contract/server_under_test.h"

namespace ray_gitops::contract {

// Sends steps to one server, in one namespace, and remembers what they name.
class Player {
 public:
  Player(const Target& target, std::string ns) : target_(target), ns_(std::move(ns)) {}

  // The namespace, and the account that pods need there, which controllers make.
  bool make_namespace();
  void remove_namespace() const;

  // {"http", "body"}: without times and versions of the collection; uids and resource versions are
  // numbered in the order in which they came; of addresses and ports of nodes is said whether they
  // were kept. Of a list in pages: {"pages"}, an array of {"http", "body", "remaining"}.
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
  std::string uid_at(const std::string& path) const;
  nlohmann::json pages(const std::string& path);
  nlohmann::json with_references(const Step& step) const;
  void remember(const std::string& object_path, const nlohmann::json& body);
  nlohmann::json normalize(nlohmann::json body);
  void normalize_object(nlohmann::json& object);
  void normalize_service(const std::string& uid, nlohmann::json& spec);
  static std::string number_of(std::map<std::string, std::string>& numbers,
                               const std::string& prefix, const std::string& text);

  const Target& target_;
  std::string ns_;
  std::string first_version_;
  std::map<std::string, Seen> seen_;  // by the path of the object
  std::map<std::string, std::string> uids_;
  std::map<std::string, std::string> versions_;
  std::map<std::string, std::string> allocated_;  // by uid and what it is for
  std::map<std::string, std::string> stand_ins_;  // and what they stand for
};

}  // namespace ray_gitops::contract
