#include "agent/git/cache.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <git2.h>
#include <sys/stat.h>

namespace ray_gitops::git {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> git_failure(int code) { return tl::unexpected(last_git_error(code, {})); }

tl::unexpected<Error> disk_failure(const std::string& path, const std::string& problem) {
  return fail(ErrorCode::Unavailable, "the cache of the Git repository cannot be used: " + problem,
              path);
}

Result<void> make_private_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return disk_failure(path, error.message());
  if (chmod(path.c_str(), 0700) != 0) return disk_failure(path, std::strerror(errno));
  return {};
}

}  // namespace

Result<Cache> Cache::open(const std::string& directory) {
  TRY(make_private_directory(directory));
  Cache cache(directory + "/repository.git");
  if (auto opened = cache.open_or_make(); !opened) TRY(cache.start_anew());
  // Left behind by a child that was ended while it pushed.
  cache.remove_ref(k_publish_ref);
  return cache;
}

Result<void> Cache::open_or_make() {
  if (make_handle<git_repository>(repository_, [this](git_repository** made) {
        return git_repository_open_bare(made, path_.c_str());
      }) == 0)
    return {};
  const int code = make_handle<git_repository>(repository_, [this](git_repository** made) {
    return git_repository_init(made, path_.c_str(), 1);
  });
  if (code != 0) return git_failure(code);
  return {};
}

Result<void> Cache::start_anew() {
  repository_.reset();
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) return disk_failure(path_, error.message());
  if (auto made = open_or_make(); !made) return disk_failure(path_, made.error().message);
  return {};
}

std::string Cache::pack_directory() const { return path_ + "/objects/pack"; }

bool Cache::has_commit(const std::string& id) const { return find_commit(id).has_value(); }

Result<Handle<git_commit>> Cache::find_commit(const std::string& id) const {
  const git_oid oid = TRY(parse_id(id));
  Handle<git_commit> commit;
  const int code = make_handle<git_commit>(
      commit, [&](git_commit** made) { return git_commit_lookup(made, repository_.get(), &oid); });
  if (code != 0) return git_failure(code);
  return commit;
}

Result<Handle<git_tree>> Cache::find_tree_of(const std::string& commit) const {
  const Handle<git_commit> found = TRY(find_commit(commit));
  Handle<git_tree> tree;
  const int code = make_handle<git_tree>(
      tree, [&](git_tree** made) { return git_commit_tree(made, found.get()); });
  if (code != 0) return git_failure(code);
  return tree;
}

Result<Handle<git_odb>> Cache::objects() const {
  Handle<git_odb> odb;
  const int code = make_handle<git_odb>(
      odb, [this](git_odb** made) { return git_repository_odb(made, repository_.get()); });
  if (code != 0) return git_failure(code);
  return odb;
}

Result<void> Cache::set_ref(const char* name, const std::string& commit) {
  const git_oid oid = TRY(parse_id(commit));
  Handle<git_reference> reference;
  const int code = make_handle<git_reference>(reference, [&](git_reference** made) {
    return git_reference_create(made, repository_.get(), name, &oid, 1, nullptr);
  });
  if (code != 0) return git_failure(code);
  return {};
}

void Cache::remove_ref(const char* name) { git_reference_remove(repository_.get(), name); }

bool Cache::is_ref_whole(const char* name) const {
  git_oid id{};
  return git_reference_name_to_id(&id, repository_.get(), name) != 0 || has_commit(to_hex(id));
}

bool Cache::is_oversized() const {
  std::uintmax_t bytes = 0;
  std::size_t files = 0;
  std::error_code error;
  for (fs::directory_iterator entry(pack_directory(), error), end; !error && entry != end;
       entry.increment(error)) {
    bytes += entry->file_size(error);
    ++files;
  }
  return bytes > k_cache_bytes_max || files > 2 * k_cache_packs_max;  // .pack and .idx
}

}  // namespace ray_gitops::git
