#include "agent/app/config.h"

#include <cstdio>
#include <utility>

#include "agent/app/files.h"
#include "agent/cli/command_line.h"

namespace ray_gitops::app {
namespace {

constexpr std::size_t k_config_bytes_max = std::size_t{1024} * 1024;

}  // namespace

Result<AgentConfig> load_config(const std::string& path) {
  const std::string text = TRY(read_file(path, k_config_bytes_max));
  ParsedAgentConfig parsed = parse_agent_config(text, path);
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    std::fprintf(stderr, "%s\n", to_string(diagnostic).c_str());
  if (!parsed.config) return fail(ErrorCode::InvalidInput, "the configuration is not valid", path);
  return std::move(*parsed.config);
}

std::string home() { return environment_or("HOME", "/"); }

std::string cache_home() {
  return environment_or("XDG_CACHE_HOME", home() + "/.cache") + "/ray-gitops";
}

git::GitWorkerOptions git_options(const AgentConfig& config, const std::string& cache_directory) {
  const AgentConfig::Repository& repository = config.repository;
  return {.command = {own_path(), "git-worker"},
          .url = repository.url,
          .cache_directory = cache_directory,
          .credentials = {.username = repository.credentials.username,
                          .username_file = repository.credentials.username_file,
                          .token_file = repository.credentials.token_file},
          .certificate_authority_file = repository.certificate_authority_file};
}

int complain(const Error& error, const std::string& next) {
  std::fprintf(stderr, "ray-gitops: %s\n  %s\n", printable(describe(error)).c_str(), next.c_str());
  return cli::k_exit_failed;
}

}  // namespace ray_gitops::app
