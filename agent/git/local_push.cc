#include "agent/git/local_push.h"

#include <string>

#include <git2.h>
#include <unistd.h>

#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

// What is written while one of these exists is on the disk before it is named: the repository is
// somebody's, unlike the cache, which may be lost.
class Durably {
 public:
  Durably() { git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1); }
  ~Durably() { git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0); }
  Durably(const Durably&) = delete;
  Durably& operator=(const Durably&) = delete;
};

tl::unexpected<Error> git_failure(int code, const std::string& where) {
  return tl::unexpected(last_git_error(code, where));
}

Result<Handle<git_repository>> open_target(const Link& link) {
  Handle<git_repository> target;
  const int code = make_handle<git_repository>(target, [&](git_repository** made) {
    return git_repository_open(made, link.address.path.c_str());
  });
  if (code != 0) return git_failure(code, link.address.shown);
  return target;
}

Result<void> check_writable(git_repository* target, const Link& link) {
  const std::string common = git_repository_commondir(target);
  for (const char* part : {"objects/pack", "refs/heads"})
    if (access((common + part).c_str(), W_OK | X_OK) != 0)
      return fail(ErrorCode::Forbidden, "the repository cannot be written to", link.address.shown);
  return {};
}

// core.hooksPath, or the repository's own "hooks".
std::string hooks_directory(git_repository* target) {
  const std::string common = git_repository_commondir(target);
  Handle<git_config> config;
  git_buf configured = GIT_BUF_INIT;
  std::string directory = "hooks";
  if (make_handle<git_config>(
          config,
          [&](git_config** made) { return git_repository_config_snapshot(made, target); }) == 0 &&
      git_config_get_path(&configured, config.get(), "core.hookspath") == 0)
    directory = configured.ptr;
  git_buf_dispose(&configured);
  return (directory.front() == '/' ? directory : common + directory) + "/";
}

Result<void> check_hooks(git_repository* target, const Link& link) {
  const std::string hooks = hooks_directory(target);
  for (const char* name : {"pre-receive", "update", "reference-transaction"})
    if (access((hooks + name).c_str(), X_OK) == 0)
      return fail(ErrorCode::Rejected,
                  "the repository has a hook '" + std::string(name) +
                      "', which is not run for file:// URLs: serve the repository over http, or "
                      "remove the hook",
                  link.address.shown);
  return {};
}

Result<void> check_not_checked_out(git_repository* target, const Push& push) {
  Handle<git_reference> branch;
  if (make_handle<git_reference>(branch, [&](git_reference** made) {
        return git_reference_lookup(made, target, push.remote_ref.c_str());
      }) != 0)
    return {};
  if (git_repository_is_bare(target) != 0 || git_branch_is_checked_out(branch.get()) != 1)
    return {};
  return fail(ErrorCode::Rejected, "the branch is checked out there: check out another one",
              push.remote_ref);
}

// "refs/heads/a" and "refs/heads/a/b" cannot both be.
Result<void> check_name_is_free(git_repository* target, const Push& push) {
  for (std::size_t slash = push.remote_ref.find('/', std::string("refs/heads/").size());
       slash != std::string::npos; slash = push.remote_ref.find('/', slash + 1)) {
    const std::string shorter = push.remote_ref.substr(0, slash);
    git_oid id{};
    if (git_reference_name_to_id(&id, target, shorter.c_str()) == 0)
      return fail(ErrorCode::Rejected, "the branch " + shorter + " is in the way", push.remote_ref);
  }
  return {};
}

// Writes what `push.commit` adds to `push.expected` as one pack. Decided by what is reachable, not
// by what the cache wrote last: the target may lack what an earlier, failed push made.
Result<void> copy_objects(git_repository* source, git_repository* target, const Push& push) {
  const git_oid commit = TRY(parse_id(push.commit));
  Handle<git_packbuilder> builder;
  int code = make_handle<git_packbuilder>(
      builder, [&](git_packbuilder** made) { return git_packbuilder_new(made, source); });
  Handle<git_revwalk> walk;
  if (code == 0)
    code = make_handle<git_revwalk>(
        walk, [&](git_revwalk** made) { return git_revwalk_new(made, source); });
  if (code == 0) code = git_revwalk_push(walk.get(), &commit);
  if (code == 0 && push.expected) {
    const git_oid expected = TRY(parse_id(*push.expected));
    code = git_revwalk_hide(walk.get(), &expected);
  }
  if (code == 0) code = git_packbuilder_insert_walk(builder.get(), walk.get());
  const std::string packs = std::string(git_repository_commondir(target)) + "objects/pack";
  if (code == 0) code = git_packbuilder_write(builder.get(), packs.c_str(), 0, nullptr, nullptr);
  if (code != 0) return git_failure(code, push.remote_ref);
  return {};
}

// Under the reference's lock file: the zero id asks that it does not exist.
Result<void> swap_reference(git_repository* target, const Push& push) {
  const git_oid commit = TRY(parse_id(push.commit));
  git_oid expected{};
  if (push.expected) expected = TRY(parse_id(*push.expected));
  git_repository_set_ident(target, push.author_name.c_str(), push.author_email.c_str());
  Handle<git_reference> reference;
  const int code = make_handle<git_reference>(reference, [&](git_reference** made) {
    return git_reference_create_matching(made, target, push.remote_ref.c_str(), &commit, 1,
                                         &expected, "push");
  });
  if (code == GIT_EMODIFIED || code == GIT_ENOTFOUND)
    return fail(ErrorCode::Conflict, "the branch has moved", push.remote_ref);
  if (code != 0) return git_failure(code, push.remote_ref);
  return {};
}

}  // namespace

Result<void> push_to_directory(const Link& link, Cache& cache, const Push& push) {
  const auto tips = TRY(list_refs(link, {push.remote_ref}));
  if (tips.front() != push.expected)
    return fail(ErrorCode::Conflict, "the branch has moved", push.remote_ref);
  const Handle<git_repository> target = TRY(open_target(link));
  TRY(check_writable(target.get(), link));
  TRY(check_hooks(target.get(), link));
  TRY(check_not_checked_out(target.get(), push));
  TRY(check_name_is_free(target.get(), push));
  const Durably durably;
  TRY(copy_objects(cache.repository(), target.get(), push));
  return swap_reference(target.get(), push);
}

}  // namespace ray_gitops::git
