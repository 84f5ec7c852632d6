#include "agent/app/validate_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "agent/app/files.h"
#include "reconcilers/declaration/parse.h"

namespace ray_gitops::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_file_bytes_max = std::size_t{1024} * 1024;

bool is_yaml(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

bool is_hidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.size() > 1 && name.front() == '.' && name != "..";
}

// The files that the agent would read below a folder: links are not followed, hidden folders are
// left out, the order is that of the bytes of the path.
Result<std::vector<std::string>> yaml_files(const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector<std::string>{path};
  if (!fs::is_directory(path, error))
    return fail(ErrorCode::NotFound, "there is no such file or folder", path);
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(path, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_hidden(entry->path()))
      entry.disable_recursion_pending();
    else if (is_yaml(entry->path()) && !entry->is_symlink() && entry->is_regular_file())
      files.push_back(entry->path().string());
  }
  if (error) return fail(ErrorCode::Unavailable, error.message(), path);
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<std::string>> all_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    const std::vector<std::string> found = TRY(yaml_files(path));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

int print(const Validation& validation) {
  std::size_t errors = 0;
  for (const Diagnostic& diagnostic : validation.diagnostics) {
    const bool error = diagnostic.severity == Severity::Error;
    errors += error ? 1 : 0;
    std::printf("%s%s\n", error ? "" : "warning: ", to_string(diagnostic).c_str());
  }
  std::printf("%zu files, %zu errors, %zu warnings\n", validation.files.size(), errors,
              validation.diagnostics.size() - errors);
  return errors == 0 ? cli::k_exit_ok : cli::k_exit_failed;
}

}  // namespace

int run_validate(const cli::ValidateCommand& command) {
  const Result<std::vector<std::string>> paths = all_files(command.paths);
  if (!paths) {
    std::fprintf(stderr, "ray-gitops: %s\n", printable(describe(paths.error())).c_str());
    return cli::k_exit_usage;
  }
  std::vector<std::string> contents;
  contents.reserve(paths->size());
  std::vector<FileSource> sources;
  for (const std::string& path : *paths) {
    // One byte over the limit is enough for the reader to say that the file is too large.
    Result<std::string> content = read_file(path, k_file_bytes_max);
    if (!content && content.error().code == ErrorCode::LimitExceeded)
      content = std::string(k_file_bytes_max + 1, ' ');
    if (!content) {
      std::fprintf(stderr, "ray-gitops: %s\n", printable(describe(content.error())).c_str());
      return cli::k_exit_failed;
    }
    contents.push_back(std::move(*content));
    sources.push_back({.path = path, .bytes = contents.back(), .commit = ""});
  }
  return print(validate_files(sources, command.default_namespace));
}

}  // namespace ray_gitops::app
