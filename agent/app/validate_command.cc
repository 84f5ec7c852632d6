#include "agent/app/validate_command.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/app/config.h"
#include "agent/app/files.h"
#include "agent/app/yaml_files.h"
#include "agent/git/source_reader.h"
#include "reconcilers/declaration/agent_config.h"
#include "reconcilers/declaration/parse.h"

namespace ray_gitops::app {
namespace {

Result<std::vector<std::string>> all_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    const std::vector<std::string> found = TRY(find_yaml_files(path));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

// Of an agent that would read the files.
Result<AgentConfig> config_for(const cli::ValidateCommand& command) {
  if (!command.config.empty()) return load_config(command.config);
  AgentConfig config;
  config.default_namespace = command.default_namespace;
  for (const std::string& name : command.allowed_kinds) {
    const std::optional<Kind> kind = parse_kind(name);
    if (!kind || !is_companion(*kind))
      return fail(ErrorCode::InvalidInput, "--allow-kind names no companion kind", name);
    config.companions.insert(*kind);
  }
  return config;
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
  const Result<AgentConfig> config = config_for(command);
  if (!config) {
    std::fprintf(stderr, "ray-gitops: %s\n", printable(describe(config.error())).c_str());
    return cli::k_exit_usage;
  }
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
    Result<std::string> content = read_file(path, git::k_source_file_bytes_max);
    if (!content && content.error().code == ErrorCode::LimitExceeded)
      content = std::string(git::k_source_file_bytes_max + 1, ' ');
    if (!content) {
      std::fprintf(stderr, "ray-gitops: %s\n", printable(describe(content.error())).c_str());
      return cli::k_exit_failed;
    }
    contents.push_back(std::move(*content));
    sources.push_back({.path = path, .bytes = contents.back(), .commit = ""});
  }
  return print(validate_files(sources, config->default_namespace, permissions_of(*config)));
}

}  // namespace ray_gitops::app
