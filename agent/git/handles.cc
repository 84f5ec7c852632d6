#include "agent/git/handles.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include <git2.h>

#include "agent/git/memory.h"
#include "agent/log/log.h"
#include "reconcilers/model/check.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

// Of one fetch. What a hostile server can make us allocate.
constexpr std::size_t k_pack_objects_max = 500'000;
constexpr std::size_t k_object_bytes_max = 32UL * 1024 * 1024;
// Of pack files mapped at once, and of one piece of them.
constexpr std::size_t k_mapped_bytes_max = 128UL * 1024 * 1024;
constexpr std::size_t k_mapped_window_bytes = 8UL * 1024 * 1024;

// The number in libgit2's "unexpected http status code: 404", or 0. libgit2 tells it nowhere else.
int http_status_in(const std::string& message) {
  constexpr std::string_view k_prefix = "unexpected http status code: ";
  const std::size_t at = message.find(k_prefix);
  return at == std::string::npos ? 0 : std::atoi(message.c_str() + at + k_prefix.size());
}

ErrorCode code_of_http_status(int status) {
  if (status == 401) return ErrorCode::Unauthenticated;
  if (status == 403) return ErrorCode::Forbidden;
  if (status == 404 || status == 410) return ErrorCode::NotFound;
  if (status == 429) return ErrorCode::TooManyRequests;
  return ErrorCode::Unavailable;
}

ErrorCode classify(int code, int error_class, const std::string& message) {
  if (const int status = http_status_in(message)) return code_of_http_status(status);
  if (error_class == GIT_ERROR_NOMEMORY) return ErrorCode::LimitExceeded;  // a size that overflows
  // libgit2 has no code of its own for its pack limits.
  if (error_class == GIT_ERROR_INDEXER && message == "too many objects")
    return ErrorCode::LimitExceeded;
  switch (code) {
    case GIT_EAUTH:
      return ErrorCode::Unauthenticated;
    case GIT_EINVALIDSPEC:
      return ErrorCode::InvalidInput;
    case GIT_ENONFASTFORWARD:
    case GIT_EMODIFIED:
    case GIT_ELOCKED:
      return ErrorCode::Conflict;
    default:
      return ErrorCode::Unavailable;
  }
}

}  // namespace

void Release::operator()(git_commit* commit) const { git_commit_free(commit); }
void Release::operator()(git_config* config) const { git_config_free(config); }
void Release::operator()(git_odb* odb) const { git_odb_free(odb); }
void Release::operator()(git_odb_object* object) const { git_odb_object_free(object); }
void Release::operator()(git_packbuilder* builder) const { git_packbuilder_free(builder); }
void Release::operator()(git_reference* reference) const { git_reference_free(reference); }
void Release::operator()(git_remote* remote) const { git_remote_free(remote); }
void Release::operator()(git_repository* repository) const { git_repository_free(repository); }
void Release::operator()(git_revwalk* walk) const { git_revwalk_free(walk); }
void Release::operator()(git_signature* signature) const { git_signature_free(signature); }
void Release::operator()(git_tree* tree) const { git_tree_free(tree); }
void Release::operator()(git_tree_entry* entry) const { git_tree_entry_free(entry); }
void Release::operator()(git_treebuilder* builder) const { git_treebuilder_free(builder); }

void initialise_libgit2() {
  CHECK(git_libgit2_init() > 0);
  end_when_out_of_memory();
  // No insteadOf, proxy or alias of ~/.gitconfig or /etc/gitconfig.
  for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                          GIT_CONFIG_LEVEL_PROGRAMDATA})
    CHECK(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, k_pack_objects_max) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, k_object_bytes_max) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, k_mapped_bytes_max) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, k_mapped_window_bytes) == 0);
  // Every object is read once; a cache would only be held while idle.
  CHECK(git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0) == 0);
  // A repository on a volume has any owner. The check protects programs that run what a
  // repository's configuration or hooks name; libgit2 1.5 runs nothing, and only the configured
  // path and our own cache are ever opened.
  CHECK(git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0) == 0);
}

Result<void> trust_authorities(const std::string& file) {
  if (file.empty()) return {};
  if (git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file.c_str(), nullptr) != 0)
    return fail(ErrorCode::InvalidInput,
                "the certificate authorities cannot be read: " + last_git_error(-1, file).message,
                file);
  return {};
}

Error last_git_error(int code, const std::string& where) {
  const git_error* last = git_error_last();
  const std::string message = last == nullptr || last->message == nullptr
                                  ? "Git failed with code " + std::to_string(code)
                                  : last->message;
  const int error_class = last == nullptr ? GIT_ERROR_NONE : last->klass;
  return {classify(code, error_class, message), log::redact(printable(message)), where};
}

bool is_storage_error() {
  constexpr std::array k_classes{GIT_ERROR_REFERENCE, GIT_ERROR_ZLIB,    GIT_ERROR_REPOSITORY,
                                 GIT_ERROR_CONFIG,    GIT_ERROR_ODB,     GIT_ERROR_OBJECT,
                                 GIT_ERROR_TREE,      GIT_ERROR_INTERNAL};
  const git_error* last = git_error_last();
  if (last == nullptr) return false;
  for (const git_error_t error_class : k_classes)
    if (last->klass == error_class) return true;
  return false;
}

std::string to_hex(const git_oid& id) {
  std::array<char, GIT_OID_HEXSZ + 1> text{};
  return git_oid_tostr(text.data(), text.size(), &id);
}

Result<git_oid> parse_id(const std::string& hex) {
  git_oid id{};
  if (hex.size() != GIT_OID_HEXSZ || git_oid_fromstr(&id, hex.c_str()) != 0)
    return fail(ErrorCode::InvalidInput, "is no commit: 40 hexadecimal digits are", printable(hex));
  return id;
}

Result<void> check_id(const std::string& hex) {
  TRY(parse_id(hex));
  return {};
}

}  // namespace ray_gitops::git
