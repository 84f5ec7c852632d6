#include "reconcilers/declaration/agent_config.h"

#include <initializer_list>
#include <utility>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/findings.h"
#include "reconcilers/declaration/json_access.h"
#include "reconcilers/declaration/repository_rules.h"
#include "reconcilers/declaration/schema_check.h"
#include "reconcilers/declaration/syntax.h"
#include "reconcilers/declaration/yaml_reader.h"

namespace ray_gitops {
namespace {

using Json = nlohmann::json;

std::string text_or(const Json& json, std::initializer_list<const char*> keys,
                    std::string otherwise) {
  return find(json, keys) == nullptr ? std::move(otherwise) : text_at(json, keys);
}

std::set<Kind> companions_of(const Json& json, std::set<Kind> otherwise) {
  const Json* kinds = find(json, {"companions", "kinds"});
  if (kinds == nullptr) return otherwise;
  std::set<Kind> allowed;
  for (const Json& name : *kinds)
    if (const auto kind = parse_kind(name.get<std::string>())) allowed.insert(*kind);
  return allowed;
}

std::set<std::string> namespaces_of(const Json& json) {
  std::set<std::string> namespaces;
  if (const Json* names = find(json, {"cluster", "namespaces"}))
    for (const Json& name : *names) namespaces.insert(name.get<std::string>());
  return namespaces;
}

AgentConfig::RayAccess ray_access_of(const std::string& name) {
  if (name == "pod-ip") return AgentConfig::RayAccess::PodIp;
  if (name == "apiserver-proxy") return AgentConfig::RayAccess::ApiserverProxy;
  return AgentConfig::RayAccess::Auto;
}

AgentConfig make_config(const Json& json) {
  AgentConfig config;
  config.agent_id = text_at(json, {"agentId"});
  config.agent_namespace = text_or(json, {"agentNamespace"}, config.agent_namespace);
  config.default_namespace = text_or(json, {"defaultNamespace"}, config.default_namespace);
  auto& repository = config.repository;
  repository.url = text_at(json, {"repository", "url"});
  repository.allow_insecure_transport = flag_at(json, {"repository", "allowInsecureTransport"});
  repository.allow_local_path = flag_at(json, {"repository", "allowLocalPath"});
  auto& credentials = repository.credentials;
  credentials.username =
      text_or(json, {"repository", "credentials", "username"}, credentials.username);
  credentials.username_file = text_at(json, {"repository", "credentials", "usernameFile"});
  credentials.token_file = text_at(json, {"repository", "credentials", "tokenFile"});
  repository.certificate_authority_file = text_at(json, {"repository", "certificateAuthorityFile"});
  repository.branch = text_or(json, {"repository", "branch"}, repository.branch);
  repository.path = text_at(json, {"repository", "path"});
  if (!repository.path.empty() && repository.path.back() == '/') repository.path.pop_back();
  repository.poll_interval_seconds =
      integer_at(json, {"repository", "pollIntervalSeconds"}, repository.poll_interval_seconds);
  auto& status = config.status;
  status.branch = text_or(json, {"status", "branch"}, "ray-status/" + config.agent_id);
  if (find(json, {"status", "enabled"})) status.enabled = flag_at(json, {"status", "enabled"});
  status.debounce_seconds =
      integer_at(json, {"status", "debounceSeconds"}, status.debounce_seconds);
  status.max_wait_seconds = integer_at(json, {"status", "maxWaitSeconds"}, status.max_wait_seconds);
  status.commits_per_hour = integer_at(json, {"status", "commitsPerHour"}, status.commits_per_hour);
  status.burst = integer_at(json, {"status", "burst"}, status.burst);
  config.guards.objects = integer_at(json, {"guards", "objects"}, config.guards.objects);
  config.guards.percent = integer_at(json, {"guards", "percent"}, config.guards.percent);
  config.companions = companions_of(json, config.companions);
  config.kubeconfig = text_at(json, {"cluster", "kubeconfig"});
  config.namespaces = namespaces_of(json);
  config.ray_access = ray_access_of(text_at(json, {"cluster", "rayAccess"}));
  config.metrics_address = text_at(json, {"metrics", "address"});
  config.cache_directory = text_at(json, {"cacheDirectory"});
  return config;
}

void check_branches(const AgentConfig& config, Findings& findings) {
  const Path source{{"repository", "branch"}};
  const Path status{{"status", "branch"}};
  const std::string write = "write a branch name such as main";
  if (!is_branch_name(config.repository.branch))
    findings.error(Rule::RepositoryBranch, source,
                   "the branch is `" + printable(config.repository.branch, 64) + "`", write);
  if (!is_branch_name(config.status.branch))
    findings.error(Rule::RepositoryBranch, status,
                   "the status branch is `" + printable(config.status.branch, 64) + "`", write);
  if (config.repository.branch == config.status.branch)
    findings.error(Rule::RepositoryBranch, status,
                   "the status branch is the branch that is followed",
                   "write another one: status commits are an orphan history");
}

// Who may write the URL decides what the agent reads with its rights: files of its machine, and
// services that only it can reach.
void check_transport(const AgentConfig::Repository& repository, Findings& findings) {
  const Path url{{"repository", "url"}};
  const bool is_secure = repository.url.starts_with("https://");
  const bool is_insecure = repository.url.starts_with("http://");
  if (is_insecure && !repository.allow_insecure_transport)
    findings.error(Rule::RepositoryTransport, url,
                   "anybody on the way can read and change what http:// carries",
                   "write an https:// URL, or repository.allowInsecureTransport: true");
  if (!is_secure && !is_insecure && !repository.allow_local_path)
    findings.error(Rule::RepositoryTransport, url, "the repository is on this machine",
                   "write an https:// URL, or repository.allowLocalPath: true");
}

void check_file_path(const std::string& file, const Path& place, Findings& findings) {
  if (!file.empty() && !file.starts_with('/'))
    findings.error(Rule::RepositoryCredentials, place, "the file is `" + printable(file, 64) + "`",
                   "write an absolute path");
}

void check_credentials(const Json& json, const AgentConfig::Repository& repository,
                       Findings& findings) {
  const Path place{{"repository", "credentials"}};
  const Path username{{"repository", "credentials", "username"}};
  const Path authorities{{"repository", "certificateAuthorityFile"}};
  const auto& credentials = repository.credentials;
  check_file_path(credentials.token_file, {{"repository", "credentials", "tokenFile"}}, findings);
  check_file_path(credentials.username_file, {{"repository", "credentials", "usernameFile"}},
                  findings);
  check_file_path(repository.certificate_authority_file, authorities, findings);
  if (!credentials.username_file.empty() && find(json, {"repository", "credentials", "username"}))
    findings.error(Rule::RepositoryCredentials, username,
                   "the user name is written and in usernameFile", "write one of the two");
  if (!is_user_name(credentials.username))
    findings.error(Rule::RepositoryCredentials, username,
                   "the user name has a colon, a space or a control character",
                   "write the name that belongs to the token; git does for most servers");
  if (!credentials.token_file.empty() && !repository.url.starts_with("http"))
    findings.error(Rule::RepositoryCredentials, place, "a path needs no credentials",
                   "leave them out");
  if (!repository.certificate_authority_file.empty() && !repository.url.starts_with("https://"))
    findings.error(Rule::RepositoryCredentials, authorities, "the URL is not https://",
                   "leave it out");
}

// What the agent knows of itself, and files without a namespace, are in one of them, too.
void check_namespaces(const Json& json, const AgentConfig& config, Findings& findings) {
  if (find(json, {"cluster", "namespaces"}) == nullptr) return;
  for (const auto& [setting, name] : {std::pair{"agentNamespace", config.agent_namespace},
                                      std::pair{"defaultNamespace", config.default_namespace}})
    if (!config.namespaces.contains(name))
      findings.error(Rule::NamespaceNotAllowed, Path{{"cluster", "namespaces"}},
                     std::string(setting) + " is `" + printable(name, 64) + "`, which is not there",
                     std::string("add it, or let ") + setting + " be one of them");
}

void check_config(const Json& json, const AgentConfig& config, Findings& findings) {
  if (const auto refusal = refuse_repository_url(config.repository.url)) {
    findings.error(Rule::RepositoryUrl, Path{{"repository", "url"}}, refusal->found,
                   refusal->write);
  } else {
    check_transport(config.repository, findings);
    check_credentials(json, config.repository, findings);
  }
  check_branches(config, findings);
  check_namespaces(json, config, findings);
  if (!is_watched_path(config.repository.path))
    findings.error(Rule::RepositoryPath, Path{{"repository", "path"}},
                   "the folder is `" + printable(config.repository.path, 64) + "`",
                   "write a path inside the repository such as clusters/prod");
  if (!config.metrics_address.empty() && !is_listen_address(config.metrics_address))
    findings.error(Rule::MetricsAddress, Path{{"metrics", "address"}},
                   "the address is `" + printable(config.metrics_address, 64) + "`",
                   "write a numeric address and a port such as 0.0.0.0:8080");
  if (config.status.max_wait_seconds < config.status.debounce_seconds)
    findings.error(Rule::StatusTiming, Path{{"status", "maxWaitSeconds"}},
                   "maxWaitSeconds " + std::to_string(config.status.max_wait_seconds) +
                       " is less than debounceSeconds " +
                       std::to_string(config.status.debounce_seconds),
                   "make it at least as long");
}

ParsedAgentConfig refuse(const std::string& path, Rule rule, int line, std::string found,
                         std::string write) {
  const Findings findings(nullptr, {{}, path, line});
  return {std::nullopt,
          {findings.make(Severity::Error, rule, {line, line > 0 ? 1 : 0}, std::move(found),
                         std::move(write))}};
}

ParsedAgentConfig parse_text(const YamlText& text, const std::string& path) {
  YamlDocument yaml = read_yaml(text, path);
  ParsedAgentConfig parsed{std::nullopt, yaml.diagnostics};
  if (!yaml.complete || !yaml.diagnostics.empty()) return parsed;
  Findings findings(yaml.source, {{}, path, yaml.line});
  const Schema& schema = Schema::of(SchemaId::AgentConfig);
  drop_nulls(schema, yaml.root);
  if (check_against_schema(schema, yaml.root, findings)) {
    AgentConfig config = make_config(yaml.root);
    check_config(yaml.root, config, findings);
    if (!findings.has_errors()) parsed.config = std::move(config);
  }
  parsed.diagnostics = findings.all();
  return parsed;
}

}  // namespace

Permissions permissions_of(const AgentConfig& config) {
  Permissions permissions{.refused_kinds = {}, .namespaces = config.namespaces};
  for (const Kind kind : all_kinds())
    if (is_companion(kind) && !config.companions.contains(kind))
      permissions.refused_kinds.insert(kind);
  return permissions;
}

ParsedAgentConfig parse_agent_config(std::string_view bytes, const std::string& path) {
  if (bytes.size() > k_file_bytes_max)
    return refuse(path, Rule::FileTooLarge, 0, "the file is too large",
                  "write at most " + std::to_string(k_file_bytes_max) + " bytes");
  if (const TextCheck text = check_text(bytes); !text.ok)
    return refuse(path, Rule::NotUtf8, text.line,
                  "the line is not UTF-8 text without control characters",
                  "save the file as UTF-8");
  const std::vector<YamlText> texts = split_documents(bytes);
  if (texts.size() == 1) return parse_text(texts.front(), path);
  return refuse(path, Rule::NotAnObject, texts.empty() ? 0 : texts[1].line,
                "the file holds " + std::to_string(texts.size()) + " documents",
                "write one AgentConfig");
}

}  // namespace ray_gitops
