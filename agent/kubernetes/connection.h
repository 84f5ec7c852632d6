#pragma once
// How to reach a cluster: from a kubeconfig file, or as a pod of it.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "agent/loop/http.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::kubernetes {

// Of the kubeconfig and of each file it names.
constexpr std::size_t k_kubeconfig_bytes_max = 1024UL * 1024;

struct Connection {
  std::string server;          // "https://10.0.0.1:6443", without a slash at its end
  std::string ns = "default";  // of the context
  std::shared_ptr<const TlsIdentity> tls;
  std::string token;
  std::string proxy;       // to reach the server by, or empty; may hold a password: never shown
  std::string no_proxy;    // hosts reached without it, as NO_PROXY lists them
  std::string token_file;  // read before each request; what it holds goes before `token`
};

// The connection of `context` (empty: the current one) of the kubeconfig file at `path`, with the
// files it names read (they are relative to its folder). Credential plugins (exec, auth-provider),
// passwords, impersonation and unchecked TLS are refused (InvalidInput), each with what to
// do instead. A token over http to another host than this one is refused, too.
Result<Connection> load_kubeconfig(const std::filesystem::path& path,
                                   const std::string& context = {});

// The same for the text of a kubeconfig that stands in `folder`.
Result<Connection> parse_kubeconfig(std::string_view text, const std::filesystem::path& folder,
                                    const std::string& context = {});

// The environment's HTTPS_PROXY and NO_PROXY, for a connection that names no proxy by itself. As
// Go's net/http does: for https only, and never for this host.
void use_proxy(Connection& connection, const std::string& https_proxy, const std::string& no_proxy);

// What Kubernetes tells every container
// (kubernetes.io/docs/tasks/run-application/access-api-from-pod).
struct PodIdentity {
  std::string host;              // KUBERNETES_SERVICE_HOST
  std::string port;              // KUBERNETES_SERVICE_PORT
  std::filesystem::path folder;  // of the service account: token, ca.crt, namespace
};
inline constexpr const char* k_service_account_folder =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// The connection of a pod to its own cluster. The token is read again before each request, because
// the kubelet replaces it. NotFound for a process that is in no pod, or in one without a token.
Result<Connection> in_cluster_connection(const PodIdentity& pod);

// A file's content, at most k_kubeconfig_bytes_max bytes.
Result<std::string> read_small_file(const std::filesystem::path& path);

}  // namespace ray_gitops::kubernetes
