#pragma once
// The bare repository in the cache directory: commits that were fetched once. Everything in it can
// be had again, so whatever is wrong with it is mended by starting it anew. In the child only.

#include <cstdint>
#include <string>

#include "agent/git/handles.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {

// libgit2 never packs again what it has: past these the cache is started anew before a fetch.
constexpr std::uintmax_t k_cache_bytes_max = 512ULL * 1024 * 1024;
constexpr std::size_t k_cache_packs_max = 500;

// The cache's own names for the branches it holds, and for what is about to be pushed.
inline constexpr const char* k_source_ref = "refs/ray-gitops/source";
inline constexpr const char* k_status_ref = "refs/ray-gitops/status";
inline constexpr const char* k_publish_ref = "refs/ray-gitops/publish";

class Cache {
 public:
  // Opens the repository in `directory`, making both (mode 0700) where they are missing and anew
  // where they are damaged. Unavailable when the disk does not allow that.
  static Result<Cache> open(const std::string& directory);

  git_repository* repository() const { return repository_.get(); }
  // The directory pack files are in.
  std::string pack_directory() const;
  // Is the commit there? It is stored after everything it refers to.
  bool has_commit(const std::string& id) const;
  // The commit and its tree; Unavailable when the cache does not have them whole.
  Result<Handle<git_commit>> find_commit(const std::string& id) const;
  Result<Handle<git_tree>> find_tree_of(const std::string& commit) const;
  Result<Handle<git_odb>> objects() const;

  Result<void> set_ref(const char* name, const std::string& commit);
  void remove_ref(const char* name);
  // False when it names a commit that is not there, which makes a fetch bring nothing.
  bool is_ref_whole(const char* name) const;

  bool is_oversized() const;
  Result<void> start_anew();

 private:
  explicit Cache(std::string path) : path_(std::move(path)) {}
  Result<void> open_or_make();

  std::string path_;
  Handle<git_repository> repository_;
};

}  // namespace ray_gitops::git
