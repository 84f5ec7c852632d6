#pragma once
// TLS, because kubectl sends its token over nothing else: a certificate this cluster signs itself,
// which its kubeconfig names as the only one to trust.

#include <memory>
#include <string>

#include "reconcilers/model/result.h"
#include "reconcilers/model/time.h"

struct ssl_ctx_st;

namespace ray_gitops::local_cluster {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

// For 127.0.0.1 and localhost, valid for 20 years.
Result<Certificate> make_certificate(WallTime now);

struct TlsContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, TlsContextDeleter>;

// TLS 1.2 and later, with this certificate. InvalidInput when it is none.
Result<TlsContext> make_tls_context(const Certificate& certificate);

}  // namespace ray_gitops::local_cluster
