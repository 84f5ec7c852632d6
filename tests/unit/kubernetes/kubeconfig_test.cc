#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/kubernetes/connection.h"
#include "agent/kubernetes/yaml.h"

namespace ray_gitops::kubernetes {
namespace {

std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: main\n"
         "contexts:\n- name: main\n  context: {cluster: c, user: u, namespace: team}\n"
         "- name: other\n  context: {cluster: c, user: nobody}\n"
         "clusters:\n- name: c\n  cluster: {" +
         cluster +
         "}\n"
         "users:\n- name: u\n  user: {" +
         user + "}\n";
}

constexpr const char* k_server = "server: 'https://10.0.0.1:6443/'";

Error error_of(const std::string& text, const std::string& context = {}) {
  const auto connection = parse_kubeconfig(text, "/nowhere", context);
  EXPECT_FALSE(connection);
  return connection ? Error{} : connection.error();
}

class Kubeconfig : public testing::Test {
 protected:
  Kubeconfig() {
    std::string name = std::filesystem::temp_directory_path() / "rg-kubeconfig-XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~Kubeconfig() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& content) {
    std::ofstream{folder_ / name, std::ios::binary} << content;
  }
  std::filesystem::path folder_;
};

TEST_F(Kubeconfig, gives_server_identity_and_token_of_the_current_context) {
  const auto connection = parse_kubeconfig(
      kubeconfig(std::string{k_server} + ", certificate-authority-data: Q0E=",
                 "token: 12345, client-certificate-data: Q0VSVA==, client-key-data: S0VZ"),
      "/nowhere");
  ASSERT_TRUE(connection) << describe(connection.error());
  EXPECT_EQ(connection->server, "https://10.0.0.1:6443");
  EXPECT_EQ(connection->ns, "team");
  EXPECT_EQ(connection->token, "12345");
  EXPECT_EQ(connection->tls->authority_pem, "CA");
  EXPECT_EQ(connection->tls->certificate_pem, "CERT");
  EXPECT_EQ(connection->tls->key_pem, "KEY");
}

TEST_F(Kubeconfig, reads_the_files_it_names_from_its_own_folder) {
  write("ca.crt", "CA");
  write("config",
        kubeconfig(std::string{k_server} + ", certificate-authority: ca.crt", "tokenFile: token"));
  const auto connection = load_kubeconfig(folder_ / "config");
  ASSERT_TRUE(connection) << describe(connection.error());
  EXPECT_EQ(connection->tls->authority_pem, "CA");
  EXPECT_EQ(connection->token_file, folder_ / "token");
}

TEST_F(Kubeconfig, is_refused_with_its_name_when_it_or_a_file_of_it_is_missing_or_too_large) {
  EXPECT_EQ(load_kubeconfig(folder_ / "config").error().code, ErrorCode::NotFound);
  write("config", kubeconfig(std::string{k_server} + ", certificate-authority: ca.crt", ""));
  const Error missing = load_kubeconfig(folder_ / "config").error();
  EXPECT_EQ(missing.where, folder_ / "ca.crt");
  write("ca.crt", std::string(k_kubeconfig_bytes_max + 1, 'x'));
  EXPECT_EQ(load_kubeconfig(folder_ / "config").error().code, ErrorCode::LimitExceeded);
  EXPECT_FALSE(load_kubeconfig(folder_));
  write("bad", "a: [");
  EXPECT_EQ(load_kubeconfig(folder_ / "bad").error().where, folder_ / "bad");
}

TEST(ParseKubeconfig, takes_a_json_file) {
  EXPECT_TRUE(parse_kubeconfig(R"({"current-context":"x","contexts":[{"name":"x","context":
    {"cluster":"x"}}],"clusters":[{"name":"x","cluster":{"server":"http://127.0.0.1:1"}}]})",
                               "/nowhere"));
}

TEST(ParseKubeconfig, refuses_what_it_does_not_do_and_says_what_to_do) {
  const auto user_error = [](const std::string& user) {
    return error_of(kubeconfig(k_server, user)).message;
  };
  const auto cluster_error = [](const std::string& more) {
    return error_of(kubeconfig(std::string{k_server} + more, "")).message;
  };
  EXPECT_NE(user_error("exec: {command: aws}").find("exec plugins"), std::string::npos);
  EXPECT_NE(user_error("auth-provider: {name: gcp}").find("auth-provider"), std::string::npos);
  EXPECT_NE(user_error("username: me, password: hunter2").find("passwords"), std::string::npos);
  EXPECT_EQ(user_error("username: me, password: hunter2").find("hunter2"), std::string::npos);
  EXPECT_NE(user_error("as: root").find("impersonation"), std::string::npos);
  EXPECT_NE(user_error("client-key-data: S0VZ").find("go together"), std::string::npos);
  EXPECT_NE(user_error("client-key-data: '%%%'").find("not base64"), std::string::npos);
  EXPECT_NE(cluster_error(", insecure-skip-tls-verify: true").find("insecure"), std::string::npos);
  EXPECT_NE(cluster_error(", proxy-url: 'ftp://p'").find("socks5://"), std::string::npos);
  EXPECT_NE(cluster_error(", tls-server-name: x").find("tls-server-name"), std::string::npos);
}

TEST(ParseKubeconfig, names_a_proxy) {
  const auto proxied =
      parse_kubeconfig(kubeconfig(std::string{k_server} + ", proxy-url: 'socks5://p:1'", ""), "/");
  ASSERT_TRUE(proxied);
  EXPECT_EQ(proxied->proxy, "socks5://p:1");
}

TEST(Proxy,
     of_the_environment_is_used_where_the_kubeconfig_names_none_and_the_server_is_elsewhere) {
  const auto used = [](const std::string& server, const std::string& own = "") {
    Connection connection;
    connection.server = server;
    connection.proxy = own;
    use_proxy(connection, "http://proxy:3128", ".internal");
    return connection.proxy + " " + connection.no_proxy;
  };
  EXPECT_EQ(used("https://10.0.0.1:6443"), "http://proxy:3128 .internal");
  EXPECT_EQ(used("https://10.0.0.1:6443", "http://own"), "http://own ");
  for (const char* server :
       {"https://127.0.0.1:6443", "https://localhost", "https://[::1]:1", "http://10.0.0.1:8080"})
    EXPECT_EQ(used(server), " ") << server;
}

TEST(ParseKubeconfig, refuses_contexts_and_servers_that_are_not_there) {
  const std::string good = kubeconfig(k_server, "");
  EXPECT_NE(error_of(good, "absent").message.find("context called 'absent'"), std::string::npos);
  EXPECT_NE(error_of(good, "other").message.find("user called 'nobody'"), std::string::npos);
  EXPECT_FALSE(parse_kubeconfig(kubeconfig("server: ftp://x", ""), "/nowhere"));
  EXPECT_FALSE(parse_kubeconfig(kubeconfig("server: https://u:p@x", ""), "/nowhere"));
  for (const char* text : {"", "a", "[]", "- a", "contexts: 7", "contexts: [7, {name: 7}]"})
    EXPECT_EQ(error_of(text).code, ErrorCode::InvalidInput) << text;
}

TEST(ParseKubeconfig, sends_no_token_in_the_clear_to_another_host) {
  for (const char* server : {"http://127.0.0.1:8080", "http://localhost:1", "'http://[::1]:1'"})
    EXPECT_TRUE(parse_kubeconfig(kubeconfig(std::string{"server: "} + server, "token: t"), "/"));
  for (const char* server : {"http://10.0.0.1", "http://127.evil.example", "http://localhost.x"})
    EXPECT_FALSE(parse_kubeconfig(kubeconfig(std::string{"server: "} + server, "token: t"), "/"));
}

TEST_F(Kubeconfig, is_not_needed_in_a_pod) {
  write("token", "from-the-kubelet\n");
  write("ca.crt", "CA");
  write("namespace", "team");
  const auto connection = in_cluster_connection({"10.96.0.1", "443", folder_});
  ASSERT_TRUE(connection) << describe(connection.error());
  EXPECT_EQ(connection->server, "https://10.96.0.1:443");
  EXPECT_EQ(connection->token_file, (folder_ / "token").string());
  EXPECT_EQ(connection->tls->authority_pem, "CA");
  EXPECT_EQ(connection->ns, "team");
  EXPECT_EQ(in_cluster_connection({"fd00::1", "443", folder_})->server, "https://[fd00::1]:443");
}

TEST_F(Kubeconfig, is_needed_without_a_service_account) {
  EXPECT_EQ(in_cluster_connection({"", "", folder_}).error().code, ErrorCode::NotFound);
  const auto no_token = in_cluster_connection({"10.96.0.1", "443", folder_});
  ASSERT_FALSE(no_token);
  EXPECT_EQ(no_token.error().code, ErrorCode::NotFound);
  EXPECT_NE(no_token.error().where.find("token"), std::string::npos);
}

TEST(ParseYaml, refuses_what_could_grow_or_be_read_two_ways) {
  for (const std::string text :
       {"a: &x 1", "a: *x", "a: &x [1]\nb: *x", "a: 1\na: 2", "[a]: 1", "? {a: b}\n: c", "~: 1",
        "a: 1\n---\nb: 2", "a: [", "a: 'x", "%YAML 9", "@"})
    EXPECT_FALSE(parse_yaml(text)) << text;
  EXPECT_FALSE(parse_yaml(std::string(300, '[') + std::string(300, ']')));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '[')));
}

TEST(ParseYaml, keeps_scalars_as_text) {
  EXPECT_EQ(parse_yaml("a: 012\nb: yes\nc: ~\nd: [1, {e: ''}]\nf:\n")->canonical(),
            R"({"a":"012","b":"yes","c":null,"d":["1",{"e":""}],"f":null})");
}

}  // namespace
}  // namespace ray_gitops::kubernetes
