#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/kubernetes/connection.h"
#include "agent/kubernetes/yaml.h"
#include "reconcilers/manifest/compression.h"
#include "reconcilers/manifest/json_members.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::kubernetes {
namespace {

using Json = nlohmann::json;

struct Refusal {
  const char* member;
  const char* message;
};

constexpr std::array<Refusal, 7> k_refused_of_user{{
    {"exec", "exec plugins are not run; put a token, tokenFile or client certificate there"},
    {"auth-provider",
     "auth-provider plugins are not run; put a token, tokenFile or client certificate there"},
    {"username", "passwords are not supported; use a token or client certificate"},
    {"as", "impersonation is not supported; use the credentials of that user"},
    {"as-uid", "impersonation is not supported; use the credentials of that user"},
    {"as-groups", "impersonation is not supported; use the credentials of that user"},
    {"as-user-extra", "impersonation is not supported; use the credentials of that user"},
}};

constexpr std::array<Refusal, 1> k_refused_of_cluster{{
    {"tls-server-name",
     "tls-server-name is not supported; name the server as its certificate does"},
}};

template <std::size_t Count>
Result<const Json*> check_refused(const Json& object, const std::array<Refusal, Count>& refusals) {
  for (const auto& [name, message] : refusals) {
    if (!member(object, name).is_null()) return fail(ErrorCode::InvalidInput, message);
  }
  return &object;
}

// The entry of `list` called `name`, for example member `cluster` of an element of `clusters`.
Result<const Json*> named(const Json& config, const char* list, const char* entry,
                          const std::string& name) {
  const Json& element = element_with(member(config, list), "name", name);
  if (!member(element, entry).is_object())
    return fail(ErrorCode::InvalidInput,
                std::string{"it has no "} + entry + " called '" + printable(name) + "'");
  return &member(element, entry);
}

// Member `name`-data, or the content of the file that member `name` names.
Result<std::string> read_pem(const Json& object, const std::string& name,
                             const std::filesystem::path& folder) {
  std::string data = text_of(member(object, (name + "-data").c_str()));
  if (!data.empty()) {
    std::erase_if(data, [](char character) { return character == '\n' || character == ' '; });
    auto decoded = base64_decode(data);
    if (!decoded) return fail(ErrorCode::InvalidInput, name + "-data is not base64");
    return decoded;
  }
  const std::string path = text_of(member(object, name.c_str()));
  if (path.empty()) return std::string{};
  return read_small_file(folder / path);
}

bool is_loopback(const std::string& server) {
  const std::string rest = server.substr(server.find("://") + 3);
  const std::string host =
      rest.starts_with('[') ? rest.substr(0, rest.find(']') + 1) : rest.substr(0, rest.find(':'));
  const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (is_address && host.starts_with("127."));
}

Result<std::string> parse_server(const Json& cluster) {
  std::string server = text_of(member(cluster, "server"));
  while (server.ends_with('/')) server.pop_back();
  const bool is_url = server.starts_with("https://") || server.starts_with("http://");
  if (!is_url || server.find_first_of("@?# ") != std::string::npos)
    return fail(ErrorCode::InvalidInput, "its cluster's server is not a URL as https://host:port");
  if (text_of(member(cluster, "insecure-skip-tls-verify")) == "true")
    return fail(ErrorCode::InvalidInput,
                "insecure-skip-tls-verify is not supported; give certificate-authority-data");
  return server;
}

Result<std::string> parse_proxy(const Json& cluster) {
  std::string proxy = text_of(member(cluster, "proxy-url"));
  for (const char* scheme : {"http://", "https://", "socks5://"})
    if (proxy.starts_with(scheme)) return proxy;
  if (proxy.empty()) return proxy;
  return fail(ErrorCode::InvalidInput, "its proxy-url is not http://, https:// or socks5://");
}

Result<Connection> connect(const Json& cluster, const Json& user,
                           const std::filesystem::path& folder) {
  TRY(check_refused(cluster, k_refused_of_cluster));
  TRY(check_refused(user, k_refused_of_user));
  Connection connection;
  connection.server = TRY(parse_server(cluster));
  connection.proxy = TRY(parse_proxy(cluster));
  TlsIdentity tls;
  tls.authority_pem = TRY(read_pem(cluster, "certificate-authority", folder));
  tls.certificate_pem = TRY(read_pem(user, "client-certificate", folder));
  tls.key_pem = TRY(read_pem(user, "client-key", folder));
  if (tls.certificate_pem.empty() != tls.key_pem.empty())
    return fail(ErrorCode::InvalidInput, "client-certificate and client-key go together");
  connection.tls = std::make_shared<const TlsIdentity>(std::move(tls));
  connection.token = text_of(member(user, "token"));
  const std::string token_file = text_of(member(user, "tokenFile"));
  if (!token_file.empty()) connection.token_file = folder / token_file;
  const bool has_token = !connection.token.empty() || !token_file.empty();
  if (has_token && connection.server.starts_with("http://") && !is_loopback(connection.server))
    return fail(ErrorCode::InvalidInput, "its token would be sent in the clear; use https");
  return connection;
}

}  // namespace

void use_proxy(Connection& connection, const std::string& https_proxy,
               const std::string& no_proxy) {
  const bool is_remote =
      connection.server.starts_with("https://") && !is_loopback(connection.server);
  if (!connection.proxy.empty() || !is_remote) return;
  connection.proxy = https_proxy;
  connection.no_proxy = no_proxy;
}

Result<std::string> read_small_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::string content(k_kubeconfig_bytes_max + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.eof() && file.good())
    return fail(ErrorCode::LimitExceeded, "the file is too large", printable(path));
  if (!file.eof()) return fail(ErrorCode::NotFound, "the file cannot be read", printable(path));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

Result<Connection> parse_kubeconfig(std::string_view text, const std::filesystem::path& folder,
                                    const std::string& context) {
  const Document document = TRY(parse_yaml(text));
  const Json& config = document.json();
  const std::string current =
      context.empty() ? text_of(member(config, "current-context")) : context;
  const Json* chosen = TRY(named(config, "contexts", "context", current));
  const Json* cluster =
      TRY(named(config, "clusters", "cluster", text_of(member(*chosen, "cluster"))));
  const std::string user_name = text_of(member(*chosen, "user"));
  static const Json k_nobody = Json::object();
  const Json* user = user_name.empty() ? &k_nobody : TRY(named(config, "users", "user", user_name));
  Connection connection = TRY(connect(*cluster, *user, folder));
  const std::string ns = text_of(member(*chosen, "namespace"));
  if (!ns.empty()) connection.ns = ns;
  return connection;
}

Result<Connection> load_kubeconfig(const std::filesystem::path& path, const std::string& context) {
  const std::string text = TRY(read_small_file(path));
  auto connection = parse_kubeconfig(text, path.parent_path(), context);
  if (!connection && connection.error().where.empty()) connection.error().where = printable(path);
  return connection;
}

}  // namespace ray_gitops::kubernetes
