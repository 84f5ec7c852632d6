#include "reconcilers/declaration/agent_config.h"

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

const std::string k_start =
    "apiVersion: ray-gitops.io/v1alpha1\nkind: AgentConfig\nagentId: prod\n";

ParsedAgentConfig parse_config(const std::string& more) {
  return parse_agent_config(k_start + more, "agent.yaml");
}

std::string refused(const std::string& more) {
  const ParsedAgentConfig parsed = parse_config(more);
  EXPECT_FALSE(parsed.config.has_value()) << more;
  return places(parsed.diagnostics);
}

std::string refused_url(const std::string& url) {
  const ParsedAgentConfig parsed = parse_config("repository:\n  url: \"" + url + "\"\n");
  EXPECT_FALSE(parsed.config.has_value()) << url;
  return parsed.diagnostics.empty() ? "" : parsed.diagnostics[0].found;
}

TEST(AgentConfig, has_defaults_for_all_but_the_agent_and_its_repository) {
  const ParsedAgentConfig parsed = parse_config("repository: {url: 'https://h/repo.git'}\n");
  ASSERT_EQ(listed(parsed.diagnostics), "");
  const AgentConfig& config = parsed.config.value();
  EXPECT_EQ(config.agent_id, "prod");
  EXPECT_EQ(config.agent_namespace, "default");
  EXPECT_EQ(config.default_namespace, "default");
  EXPECT_EQ(config.repository.url, "https://h/repo.git");
  EXPECT_FALSE(config.repository.allow_insecure_transport);
  EXPECT_FALSE(config.repository.allow_local_path);
  EXPECT_EQ(config.repository.credentials.username, "git");
  EXPECT_EQ(config.repository.credentials.token_file, "");
  EXPECT_EQ(config.repository.certificate_authority_file, "");
  EXPECT_EQ(config.repository.branch, "main");
  EXPECT_EQ(config.repository.path, "");
  EXPECT_EQ(config.repository.poll_interval_seconds, 10);
  EXPECT_EQ(config.status.branch, "ray-status/prod");
  EXPECT_TRUE(config.status.enabled);
  EXPECT_EQ(config.status.debounce_seconds, 5);
  EXPECT_EQ(config.status.max_wait_seconds, 15);
  EXPECT_EQ(config.status.commits_per_hour, 60);
  EXPECT_EQ(config.status.burst, 30);
  EXPECT_EQ(config.guards.objects, 5);
  EXPECT_EQ(config.guards.percent, 30);
  EXPECT_EQ(config.metrics_address, "");
}

TEST(AgentConfig, names_the_way_to_ray_heads) {
  const auto way = [](const std::string& name) {
    return parse_config("repository: {url: 'https://h/repo.git'}\ncluster: {rayAccess: " + name +
                        "}\n");
  };
  EXPECT_EQ(way("auto").config->ray_access, AgentConfig::RayAccess::Auto);
  EXPECT_EQ(way("pod-ip").config->ray_access, AgentConfig::RayAccess::PodIp);
  EXPECT_EQ(way("apiserver-proxy").config->ray_access, AgentConfig::RayAccess::ApiserverProxy);
  EXPECT_FALSE(way("proxy").config);
}

TEST(AgentConfig, is_kept_to_namespaces_that_hold_its_own) {
  const auto kept = [](const std::string& namespaces) {
    return parse_config(
        "repository: {url: 'https://h/repo.git'}\nagentNamespace: ops\n"
        "defaultNamespace: blue\ncluster: {namespaces: " +
        namespaces + "}\n");
  };
  const ParsedAgentConfig parsed = kept("[ops, blue, red]");
  ASSERT_TRUE(parsed.config);
  EXPECT_EQ(parsed.config->namespaces, (std::set<std::string>{"blue", "ops", "red"}));
  EXPECT_EQ(permissions_of(*parsed.config).namespaces, parsed.config->namespaces);
  for (const char* namespaces : {"[]", "[ops]", "[blue]", "[ops, blue, Red]", "ops"})
    EXPECT_FALSE(kept(namespaces).config) << namespaces;
}

TEST(AgentConfig, listens_on_a_numeric_address_and_a_port_only) {
  const std::string start = "repository: {url: 'https://h/repo.git'}\nmetrics: {address: '";
  for (const char* address : {"0.0.0.0:8080", "[::]:8080", "[fd00::1]:1"}) {
    const ParsedAgentConfig parsed = parse_config(start + address + "'}\n");
    ASSERT_TRUE(parsed.config) << address;
    EXPECT_EQ(parsed.config->metrics_address, address);
  }
  for (const char* address : {"8080", ":8080", "localhost:8080", "0.0.0.0", "::1:80"})
    EXPECT_NE(refused(start + address + "'}\n"), "") << address;
  EXPECT_NE(refused("repository: {url: 'https://h/repo.git'}\nmetrics: {}\n"), "");
}

TEST(AgentConfig, carries_what_is_written) {
  const ParsedAgentConfig parsed = parse_config(
      "agentNamespace: ops\ndefaultNamespace: team\ncacheDirectory: /var/cache/x\n"
      "repository: {url: 'https://git.example/a.git', branch: live, path: clusters/prod/,\n"
      "             pollIntervalSeconds: 3, certificateAuthorityFile: /etc/ca.pem,\n"
      "             credentials: {usernameFile: /run/user, tokenFile: /run/token}}\n"
      "status: {branch: reports, enabled: false, debounceSeconds: 1, maxWaitSeconds: 2,\n"
      "         commitsPerHour: 7, burst: 8}\n"
      "guards: {objects: 1, percent: 2}\ncluster: {kubeconfig: /etc/kube}\n");
  ASSERT_EQ(listed(parsed.diagnostics), "");
  const AgentConfig& config = parsed.config.value();
  EXPECT_EQ(config.agent_namespace, "ops");
  EXPECT_EQ(config.default_namespace, "team");
  EXPECT_EQ(config.repository.branch, "live");
  EXPECT_EQ(config.repository.path, "clusters/prod");
  EXPECT_EQ(config.repository.poll_interval_seconds, 3);
  EXPECT_EQ(config.repository.certificate_authority_file, "/etc/ca.pem");
  EXPECT_EQ(config.repository.credentials.username_file, "/run/user");
  EXPECT_EQ(config.repository.credentials.token_file, "/run/token");
  EXPECT_EQ(config.status.branch, "reports");
  EXPECT_FALSE(config.status.enabled);
  EXPECT_EQ(config.status.debounce_seconds, 1);
  EXPECT_EQ(config.status.burst, 8);
  EXPECT_EQ(config.guards.percent, 2);
  EXPECT_EQ(config.kubeconfig, "/etc/kube");
  EXPECT_EQ(config.cache_directory, "/var/cache/x");
}

TEST(AgentConfig, is_read_strictly) {
  EXPECT_EQ(refused("repository: {url: https://h/a, brnch: main}\n"), "4:32 UnknownField");
  EXPECT_EQ(refused(""), "1:1 MissingField");
  EXPECT_EQ(refused("repository: {url: https://h/a, pollIntervalSeconds: 0}\n"), "4:53 OutOfRange");
  EXPECT_EQ(refused("repository: {url: https://h/a}\nstatus: {maxWaitSeconds: 1}\n"),
            "5:26 StatusTiming");
  EXPECT_EQ(refused("repository: {url: https://h/a}\nagentNamespace: Not A Label\n"),
            "5:17 DnsLabelSyntax");
  EXPECT_EQ(refused("repository: {url: https://h/a}\n---\na: 1\n"), "5:1 NotAnObject");
  EXPECT_FALSE(parse_agent_config("", "agent.yaml").diagnostics.empty());
}

TEST(AgentConfig, takes_urls_of_known_transports_only) {
  for (const char* url : {"http://169.254.169.254", "https://git.example:8443/a/b.git", "/srv/repo",
                          "file:///srv/with space/repo", "https://[::1]:80/a"})
    EXPECT_TRUE(parse_config("repository: {url: '" + std::string(url) +
                             "', allowInsecureTransport: true, allowLocalPath: true}\n")
                    .config)
        << url;
  for (const char* url : {"ssh://git@h/a", "git@github.com:a/b.git", "ssh://h/$(touch x)"})
    EXPECT_EQ(refused_url(url), "SSH repositories are not supported yet");
  for (const char* url :
       {"gopher://h/a", "ext::sh -c x", "--upload-pack=x", "relative/path", "file://h/a",
        "file:///a/../../b", "https://-oProxyCommand=x/a", "https://h/$(touch x)", "https://h/a'b",
        "https:///a", "https://h/a\\nb", "/srv/a;b"})
    EXPECT_NE(refused_url(url), "") << url;
}

TEST(AgentConfig, takes_http_and_repositories_on_this_machine_only_where_it_is_allowed) {
  for (const char* url : {"http://169.254.169.254/latest/meta-data", "http://git.example/a"}) {
    const std::string start = "repository: {url: '" + std::string(url) + "'";
    EXPECT_EQ(refused(start + "}\n"), "4:19 RepositoryTransport");
    EXPECT_EQ(refused(start + ", allowLocalPath: true}\n"), "4:19 RepositoryTransport");
    EXPECT_TRUE(parse_config(start + ", allowInsecureTransport: true}\n").config) << url;
  }
  for (const char* url : {"file:///proc/self/environ", "/proc/self/environ"}) {
    const std::string start = "repository: {url: '" + std::string(url) + "'";
    EXPECT_EQ(refused(start + "}\n"), "4:19 RepositoryTransport");
    EXPECT_EQ(refused(start + ", allowInsecureTransport: true}\n"), "4:19 RepositoryTransport");
    EXPECT_TRUE(parse_config(start + ", allowLocalPath: true}\n").config) << url;
  }
}

TEST(AgentConfig, takes_credentials_from_files_for_a_server_only) {
  const std::string web = "repository:\n  url: https://h/a\n";
  EXPECT_EQ(parse_config(web + "  credentials: {username: me, tokenFile: /t}\n")
                .config.value()
                .repository.credentials.username,
            "me");
  EXPECT_EQ(refused(web + "  credentials: {username: me}\n"), "6:3 MissingField");
  EXPECT_EQ(refused(web + "  credentials: {token: secret, tokenFile: /t}\n"), "6:17 UnknownField");
  EXPECT_EQ(refused(web + "  credentials: {tokenFile: t}\n"), "6:28 RepositoryCredentials");
  EXPECT_EQ(refused(web + "  credentials: {username: 'a:b', tokenFile: /t}\n"),
            "6:27 RepositoryCredentials");
  EXPECT_EQ(refused(web + "  credentials: {username: a, usernameFile: /u, tokenFile: /t}\n"),
            "6:27 RepositoryCredentials");
  EXPECT_EQ(refused(web + "  certificateAuthorityFile: ca.pem\n"), "6:29 RepositoryCredentials");
  const std::string local = "repository:\n  url: /srv/a\n  allowLocalPath: true\n";
  EXPECT_EQ(refused(local + "  credentials: {tokenFile: /t}\n"), "7:3 RepositoryCredentials");
  EXPECT_EQ(refused(local + "  certificateAuthorityFile: /ca\n"), "7:29 RepositoryCredentials");
}

TEST(AgentConfig, never_prints_a_password_in_a_url) {
  const std::string text = "repository: {url: 'https://me:hunter2@git.example/a'}\n";
  const ParsedAgentConfig parsed = parse_config(text);
  ASSERT_EQ(places(parsed.diagnostics), "4:19 RepositoryUrl");
  for (const char* url : {"https://me:hunter2@git.example/a", "https://hunter2@h/a",
                          "me:hunter2@h:a", "ftp://me:hunter2@h/a", "ssh://me:hunter2@h/a",
                          "https://me:hunter2#@h/a", "https://a/b@hunter2 x"})
    EXPECT_EQ(listed(parse_config("repository: {url: '" + std::string(url) + "'}\n").diagnostics)
                  .find("hunter2"),
              std::string::npos)
        << url;
}

TEST(AgentConfig, keeps_the_two_branches_apart) {
  EXPECT_EQ(refused("repository: {url: https://h/a, branch: x}\nstatus: {branch: x}\n"),
            "5:18 RepositoryBranch");
  for (const char* branch : {"-x", "a..b", "a b", "a//b", "x.lock", "a@{1}", "x/", "$(x)", ".x"})
    EXPECT_NE(refused("repository: {url: https://h/a, branch: '" + std::string(branch) + "'}\n"),
              "")
        << branch;
}

TEST(AgentConfig, takes_a_folder_inside_of_the_repository_only) {
  for (const char* path : {"../x", "/etc", "a/../../b", "a\\\\b", "a/./b", "a//b", "x\\0y"})
    EXPECT_NE(refused("repository: {url: https://h/a, path: \"" + std::string(path) + "\"}\n"), "")
        << path;
}

}  // namespace
}  // namespace ray_gitops::test
