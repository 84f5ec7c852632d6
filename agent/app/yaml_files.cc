#include "agent/app/yaml_files.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "agent/app/files.h"
#include "agent/git/source_reader.h"
#include "reconcilers/model/digest.h"

namespace ray_gitops::app {
namespace {

namespace fs = std::filesystem;

bool is_yaml(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() > 1 && name.front() == '.' && name != "..";
}

struct Found {
  std::string path;
  bool is_link = false;
};

// A link is told where it may hide something: one to a folder, whatever its name.
std::optional<Found> found_at(const fs::directory_entry& entry) {
  std::error_code unknown;
  const bool is_link = entry.is_symlink(unknown);
  const bool leads_to_folder = is_link && entry.is_directory(unknown);
  const bool is_file = is_link || entry.is_regular_file(unknown);
  if (!leads_to_folder && !(is_file && is_yaml(entry.path()))) return std::nullopt;
  return Found{entry.path().string(), is_link};
}

// What cannot be read is an error: what is in it is not known to be absent.
Result<std::vector<Found>> find_below(const std::string& folder) {
  std::vector<Found> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code unknown;
    const bool is_folder = !entry->is_symlink(unknown) && entry->is_directory(unknown);
    if (is_folder && is_hidden(entry->path())) entry.disable_recursion_pending();
    if (is_folder) continue;
    if (auto found = found_at(*entry)) files.push_back(std::move(*found));
    if (files.size() > git::k_source_files_max)
      return fail(ErrorCode::LimitExceeded,
                  "there are more than " + std::to_string(git::k_source_files_max) + " files",
                  folder);
  }
  if (error) return fail(ErrorCode::Unavailable, error.message(), folder);
  std::sort(files.begin(), files.end(),
            [](const Found& left, const Found& right) { return left.path < right.path; });
  return files;
}

// What the agent says of such an entry of a commit.
Result<engine::SourceFile> read_source(const Found& found, std::string path) {
  constexpr std::size_t k_digits = 40;
  engine::SourceFile file{std::move(path), {}, std::nullopt, {}};
  if (found.is_link) {
    file.refused = "is a symbolic link; links are not followed";
    return file;
  }
  Result<std::string> content = read_file(found.path, git::k_source_file_bytes_max);
  if (!content && content.error().code != ErrorCode::LimitExceeded)
    return tl::unexpected(std::move(content.error()));
  if (!content) {
    file.refused =
        "the file has more than " + std::to_string(git::k_source_file_bytes_max) + " bytes";
    return file;
  }
  file.blob_id = short_hash(*content, k_digits);
  file.content = std::move(*content);
  return file;
}

}  // namespace

Result<std::vector<std::string>> find_yaml_files(const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector<std::string>{path};
  if (!fs::is_directory(path, error))
    return fail(ErrorCode::NotFound, "there is no such file or folder", path);
  std::vector<std::string> files;
  for (Found& found : TRY(find_below(path)))
    if (!found.is_link) files.push_back(std::move(found.path));
  return files;
}

Result<engine::SourceTree> read_working_copy(const std::string& root, const std::string& folder,
                                             const std::string& commit) {
  const fs::path watched = fs::path(root) / folder;
  std::error_code error;
  if (!fs::is_directory(watched, error))
    return fail(ErrorCode::NotFound, "there is no such folder", watched.string());
  engine::SourceTree tree{
      .commit = commit, .message = "", .files = {}, .descends_from_accepted = true};
  std::uint64_t bytes = 0;
  for (const Found& found : TRY(find_below(watched.string()))) {
    const fs::path below = fs::path(found.path).lexically_relative(watched);
    tree.files.push_back(TRY(read_source(found, (fs::path(folder) / below).generic_string())));
    bytes += tree.files.back().content.value_or("").size();
    if (bytes > git::k_source_bytes_max)
      return fail(ErrorCode::LimitExceeded,
                  "the files have more than " + std::to_string(git::k_source_bytes_max) + " bytes",
                  watched.string());
  }
  return tree;
}

}  // namespace ray_gitops::app
