#include "reconcilers/declaration/repository_rules.h"

#include <cstddef>

#include <re2/re2.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops {
namespace {

constexpr std::size_t k_url_bytes_max = 2048;
constexpr std::size_t k_branch_bytes_max = 200;
constexpr std::size_t k_path_bytes_max = 1024;
constexpr const char* k_write =
    "write https://host/path, http://host/path, file:///absolute/path or an absolute path";

bool has_plain_characters(const std::string& text) {
  static const re2::RE2 k_plain("[A-Za-z0-9._~:/?#\\[\\]@!&+,=%-]*");
  return re2::RE2::FullMatch(text, k_plain);
}

bool is_absolute_path(const std::string& path) {
  static const re2::RE2 k_path("/[A-Za-z0-9._~/@+,=%: -]*");
  if (!re2::RE2::FullMatch(path, k_path)) return false;
  return ("/" + path + "/").find("/../") == std::string::npos;
}

std::optional<UrlRefusal> refuse_web_url(const std::string& rest) {
  const std::string authority = rest.substr(0, rest.find('/'));
  if (authority.find('@') != std::string::npos)
    return UrlRefusal{"the URL has a user or password in it",
                      "remove it; credentials do not belong into a URL"};
  static const re2::RE2 k_authority(
      "([A-Za-z0-9][A-Za-z0-9.-]*|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?");
  if (!re2::RE2::FullMatch(authority, k_authority))
    return UrlRefusal{"the URL's host is `" + printable(authority, 64) + "`",
                      "write a host name that begins with a letter or digit"};
  if (!has_plain_characters(rest))
    return UrlRefusal{"the URL has characters that do not belong into one", "encode them as %NN"};
  return std::nullopt;
}

bool is_scp_like(const std::string& url) {
  static const re2::RE2 k_scp("[^/]*:.*");
  return url.find("://") == std::string::npos && re2::RE2::FullMatch(url, k_scp);
}

}  // namespace

std::optional<UrlRefusal> refuse_repository_url(const std::string& url) {
  if (url.size() > k_url_bytes_max || url.find('\0') != std::string::npos)
    return UrlRefusal{"the URL is too long or has a NUL in it", k_write};
  if (url.rfind("https://", 0) == 0) return refuse_web_url(url.substr(8));
  if (url.rfind("http://", 0) == 0) return refuse_web_url(url.substr(7));
  if (url.rfind("ssh://", 0) == 0 || url.rfind("git+ssh://", 0) == 0 || is_scp_like(url))
    return UrlRefusal{"SSH repositories are not supported yet", k_write};
  const bool is_file = url.rfind("file://", 0) == 0;
  if (is_absolute_path(is_file ? url.substr(7) : url)) return std::nullopt;
  if (is_file || url.rfind('/', 0) == 0)
    return UrlRefusal{"the path in the URL is not a plain absolute path",
                      "write letters, digits, / . _ - and no `..`"};
  return UrlRefusal{"the URL is of no kind that is understood", k_write};
}

bool is_user_name(const std::string& name) {
  static const re2::RE2 k_name("[!-9;-~]+");
  return re2::RE2::FullMatch(name, k_name);
}

bool is_branch_name(const std::string& branch) {
  static const re2::RE2 k_name("[A-Za-z0-9_][A-Za-z0-9._+@#/-]*");
  if (branch.size() > k_branch_bytes_max || !re2::RE2::FullMatch(branch, k_name)) return false;
  static const re2::RE2 k_forbidden("\\.\\.|@\\{|//|/\\.|\\.lock(/|$)|[./]$|^@$");
  return !re2::RE2::PartialMatch(branch, k_forbidden);
}

bool is_watched_path(const std::string& path) {
  if (path.empty()) return true;
  static const re2::RE2 k_unprintable("[\\x00-\\x1f\\x7f\\\\]");
  static const re2::RE2 k_parts("(^|/)(\\.{0,2})(/|$)");
  return path.size() <= k_path_bytes_max && !re2::RE2::PartialMatch(path, k_unprintable) &&
         !re2::RE2::PartialMatch(path, k_parts);
}

}  // namespace ray_gitops
