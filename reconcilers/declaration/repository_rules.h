#pragma once
// What a repository's URL, branches and folder may look like. They reach a Git client and a shell's
// history: what could be an option, a command, another transport or a credential is refused.

#include <optional>
#include <string>

namespace ray_gitops {

struct UrlRefusal {
  std::string found;  // without the URL's user information
  std::string write;
};

// file://<absolute path>, an absolute path, https://host[:port]/path or http://...
std::optional<UrlRefusal> refuse_repository_url(const std::string& url);
// Visible ASCII without ':', which ends the name in Basic authentication (RFC 7617).
bool is_user_name(const std::string& name);
// As git check-ref-format, for refs/heads/<branch>.
bool is_branch_name(const std::string& branch);
// Relative, without empty, "." or ".." parts, backslashes or control characters; "" is the root.
bool is_watched_path(const std::string& path);

}  // namespace ray_gitops
