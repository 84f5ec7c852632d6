#pragma once
// Which remotes the agent talks to, and how their URL is shown. Pure.

#include <string>

#include "reconcilers/model/result.h"

namespace ray_gitops::git {

struct Address {
  std::string url;    // as libgit2 takes it
  std::string path;   // of a repository on this machine, decoded; empty for http and https
  std::string shown;  // for messages: without user name and password
};

constexpr std::size_t k_url_bytes_max = 2048;

// Accepts https://host/path, http://host/path, file:///path and an absolute path. InvalidInput for
// every other form, with a sentence that says what to write instead.
Result<Address> parse_address(const std::string& url);

}  // namespace ray_gitops::git
