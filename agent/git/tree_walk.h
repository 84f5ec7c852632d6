#pragma once
// Reads trees without trusting them: names, modes and depth are whatever somebody pushed. In the
// child only.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "agent/git/handles.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {

// Of one walk, folders and files of every name together.
constexpr std::size_t k_tree_entries_max = 500'000;
constexpr std::size_t k_folder_depth_max = 64;
constexpr std::size_t k_path_bytes_max = 1024;

enum class EntryKind : std::uint8_t { File, Link, Submodule, Folder };

struct TreeEntry {
  std::string path;       // printable where `refused` is about the name
  std::string_view name;  // its last part
  EntryKind kind = EntryKind::File;
  std::string id;
  // Not empty: it must not be used; why, in one sentence. Only such a Folder is ever told.
  std::string refused;
};

// Calls `visit` for each entry under `root`, whose own path is `folder` (empty: the repository's
// root), in no order to rely on. Folders with a name that starts with '.' are left out. Stops at
// the first error of `visit`; Unavailable when an object is missing or damaged, LimitExceeded past
// k_tree_entries_max.
Result<void> walk_tree(git_repository* repository, const git_tree* root, const std::string& folder,
                       const std::function<Result<void>(const TreeEntry&)>& visit);

// Why no file or folder may be named so, or empty: no name, '.', '..', a '/' or '\', what file
// systems take for ".git", control characters, bytes that are not UTF-8.
std::string reason_against_name(std::string_view name);

// Size and content of a file's blob. Unavailable when it is missing or damaged.
Result<std::size_t> blob_size(git_odb* objects, const std::string& id);
Result<std::string> blob_content(git_odb* objects, const std::string& id);

}  // namespace ray_gitops::git
