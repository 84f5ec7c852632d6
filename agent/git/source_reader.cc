#include "agent/git/source_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <git2.h>

#include "agent/git/tree_walk.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

tl::unexpected<Error> git_failure(int code) { return tl::unexpected(last_git_error(code, {})); }

bool has_watched_name(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return parts;
}

// Where a link in `folder` leads, from the repository's root; nullopt when that is outside.
std::optional<std::string> resolved(const std::string& folder, const std::string& target) {
  if (target.starts_with('/')) return std::nullopt;
  std::vector<std::string_view> parts = parts_of(folder);
  for (const std::string_view part : parts_of(target)) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
      continue;
    }
    if (parts.empty()) return std::nullopt;
    parts.pop_back();
  }
  std::string path;
  for (const std::string_view part : parts) path.append(path.empty() ? "" : "/").append(part);
  return path;
}

class SourceReader {
 public:
  SourceReader(const Cache& cache, const LoadRequest& request) : cache_(cache), request_(request) {}

  Result<std::vector<engine::SourceFile>> read() {
    objects_ = TRY(cache_.objects());
    root_ = TRY(cache_.find_tree_of(request_.commit));
    const Handle<git_tree> folder = TRY(find_folder());
    const git_tree* watched = request_.folder.empty() ? root_.get() : folder.get();
    // Git keeps no empty folders: one that is not there is one with nothing in it.
    if (watched == nullptr) return std::move(files_);
    TRY(walk_tree(cache_.repository(), watched, request_.folder,
                  [this](const TreeEntry& entry) { return visit(entry); }));
    std::sort(files_.begin(), files_.end(),
              [](const auto& left, const auto& right) { return left.path < right.path; });
    refuse_twins();
    return std::move(files_);
  }

 private:
  // Null for the root, and where the commit has no such folder.
  Result<Handle<git_tree>> find_folder() {
    Handle<git_tree> folder;
    if (request_.folder.empty()) return folder;
    for (const std::string_view part : parts_of(request_.folder))
      if (const std::string reason = reason_against_name(part); !reason.empty())
        return fail(ErrorCode::InvalidInput, reason, printable(request_.folder));
    Handle<git_tree_entry> entry;
    int code = make_handle<git_tree_entry>(entry, [this](git_tree_entry** made) {
      return git_tree_entry_bypath(made, root_.get(), request_.folder.c_str());
    });
    if (code == GIT_ENOTFOUND) return folder;
    if (code == 0 && git_tree_entry_type(entry.get()) != GIT_OBJECT_TREE)
      return fail(ErrorCode::InvalidInput, "is not a folder in commit " + request_.commit,
                  request_.folder);
    if (code == 0)
      code = make_handle<git_tree>(folder, [&](git_tree** made) {
        return git_tree_lookup(made, cache_.repository(), git_tree_entry_id(entry.get()));
      });
    if (code != 0) return git_failure(code);
    return folder;
  }

  Result<void> visit(const TreeEntry& entry) {
    if (entry.kind == EntryKind::Submodule)
      return add(entry, "is a submodule; files in it are not read");
    if (entry.kind == EntryKind::Folder) return add(entry, entry.refused);
    if (!has_watched_name(entry.name)) {
      if (entry.kind == EntryKind::Link && TRY(leads_to_folder(entry)))
        return add(entry, "is a symbolic link to a folder; links are not followed");
      return {};
    }
    if (entry.kind == EntryKind::Link)
      return add(entry, "is a symbolic link; links are not followed");
    if (!entry.refused.empty()) return add(entry, entry.refused);
    return add_file(entry);
  }

  // A link in place of a folder hides the files that were in it, so it is told.
  Result<bool> leads_to_folder(const TreeEntry& entry) {
    if (TRY(blob_size(objects_.get(), entry.id)) > k_path_bytes_max) return false;
    const std::size_t slash = entry.path.rfind('/');
    const std::string target = TRY(blob_content(objects_.get(), entry.id));
    const auto path =
        resolved(slash == std::string::npos ? "" : entry.path.substr(0, slash), target);
    if (!path || path->empty()) return path.has_value();
    Handle<git_tree_entry> found;
    const int code = make_handle<git_tree_entry>(found, [&](git_tree_entry** made) {
      return git_tree_entry_bypath(made, root_.get(), path->c_str());
    });
    return code == 0 && git_tree_entry_type(found.get()) == GIT_OBJECT_TREE;
  }

  Result<void> add_file(const TreeEntry& entry) {
    const std::size_t size = TRY(blob_size(objects_.get(), entry.id));
    if (size > k_source_file_bytes_max)
      return add(entry, "the file has " + std::to_string(size) + " bytes, more than " +
                            std::to_string(k_source_file_bytes_max));
    bytes_ += size;
    if (bytes_ > k_source_bytes_max)
      return fail(ErrorCode::LimitExceeded,
                  "the watched files have more than " + std::to_string(k_source_bytes_max) +
                      " bytes together",
                  request_.folder);
    TRY(add(entry, ""));
    if (!request_.known_blobs.contains(entry.id))
      files_.back().content = TRY(blob_content(objects_.get(), entry.id));
    return {};
  }

  Result<void> add(const TreeEntry& entry, const std::string& refused) {
    if (files_.size() >= k_source_files_max)
      return fail(ErrorCode::LimitExceeded,
                  "there are more than " + std::to_string(k_source_files_max) + " watched files",
                  request_.folder);
    files_.push_back({entry.path, entry.id, std::nullopt, refused});
    return {};
  }

  // A tree that was made by hand can hold a name twice.
  void refuse_twins() {
    for (std::size_t index = 1; index < files_.size(); ++index) {
      if (files_[index].path != files_[index - 1].path) continue;
      for (engine::SourceFile* twin : {&files_[index - 1], &files_[index]}) {
        twin->refused = "the folder has this name twice";
        twin->content.reset();
      }
    }
  }

  const Cache& cache_;
  const LoadRequest& request_;
  Handle<git_odb> objects_;
  Handle<git_tree> root_;
  std::vector<engine::SourceFile> files_;
  std::uint64_t bytes_ = 0;
};

// A commit that is not in the cache is no ancestor: a fetch brings all of them.
Result<bool> descends_from(const Cache& cache, const std::string& commit,
                           const std::string& accepted) {
  if (accepted.empty() || accepted == commit) return true;
  const git_oid ancestor = TRY(parse_id(accepted));
  const git_oid descendant = TRY(parse_id(commit));
  if (!cache.has_commit(accepted)) return false;
  const int code = git_graph_descendant_of(cache.repository(), &descendant, &ancestor);
  if (code < 0) return git_failure(code);
  return code == 1;
}

}  // namespace

Result<engine::SourceTree> read_source(const Cache& cache, const LoadRequest& request) {
  const Handle<git_commit> commit = TRY(cache.find_commit(request.commit));
  engine::SourceTree tree;
  tree.commit = request.commit;
  tree.message =
      std::string_view(git_commit_message_raw(commit.get())).substr(0, k_commit_message_bytes_max);
  tree.descends_from_accepted = TRY(descends_from(cache, request.commit, request.accepted));
  tree.files = TRY(SourceReader(cache, request).read());
  return tree;
}

}  // namespace ray_gitops::git
