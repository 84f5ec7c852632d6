#include <utility>

#include "agent/kubernetes/connection.h"

namespace ray_gitops::kubernetes {

Result<Connection> in_cluster_connection(const PodIdentity& pod) {
  if (pod.host.empty() || pod.port.empty())
    return fail(ErrorCode::NotFound, "this is no pod: KUBERNETES_SERVICE_HOST is not set");
  const bool is_ipv6 = pod.host.find(':') != std::string::npos;
  Connection connection;
  connection.server = "https://" + (is_ipv6 ? "[" + pod.host + "]" : pod.host) + ":" + pod.port;
  connection.token_file = pod.folder / "token";
  connection.token = TRY(read_small_file(connection.token_file));
  TlsIdentity tls;
  tls.authority_pem = TRY(read_small_file(pod.folder / "ca.crt"));
  connection.tls = std::make_shared<const TlsIdentity>(std::move(tls));
  if (auto ns = read_small_file(pod.folder / "namespace"); ns && !ns->empty()) connection.ns = *ns;
  return connection;
}

}  // namespace ray_gitops::kubernetes
