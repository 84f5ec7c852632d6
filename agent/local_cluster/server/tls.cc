#include "agent/local_cluster/server/tls.h"

#include <array>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_valid_days = 20 * 365;
constexpr int k_x509_version_3 = 2;

template <auto free_function>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

tl::unexpected<Error> tls_failure(const std::string& what) {
  return fail(ErrorCode::Internal, what, "local cluster certificate");
}

struct ExtensionText {
  int id;
  const char* value;
};

bool add_extensions(X509* certificate) {
  constexpr std::array k_extensions{
      ExtensionText{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      ExtensionText{NID_key_usage, "critical,digitalSignature,keyCertSign"},
      ExtensionText{NID_ext_key_usage, "serverAuth"},
      ExtensionText{NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost"}};
  for (const ExtensionText& text : k_extensions) {
    const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, text.id, text.value));
    if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) return false;
  }
  return true;
}

bool fill(X509* certificate, EVP_PKEY* key, WallTime now) {
  constexpr unsigned char k_name[] = "ray-gitops local-cluster";
  auto from = static_cast<time_t>(now.milliseconds / 1000);
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, k_x509_version_3) == 1 &&
         // The time in milliseconds is as good as random: a new certificate gets another number.
         ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), now.milliseconds) == 1 &&
         X509_time_adj_ex(X509_getm_notBefore(certificate), -1, 0, &from) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), k_valid_days, 0, &from) != nullptr &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, k_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1 &&
         add_extensions(certificate) && X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string content_of(BIO* bio) {
  std::string content(BIO_ctrl_pending(bio), '\0');
  const int size = BIO_read(bio, content.data(), static_cast<int>(content.size()));
  return size == static_cast<int>(content.size()) ? content : std::string{};
}

Bio reader_of(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

Result<Certificate> make_certificate(WallTime now) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const X509Certificate certificate(X509_new());
  if (key == nullptr || certificate == nullptr || !fill(certificate.get(), key.get(), now))
    return tls_failure("no certificate can be made");
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1)
    return tls_failure("the certificate cannot be written as text");
  return Certificate{content_of(certificate_text.get()), content_of(key_text.get())};
}

void TlsContextDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<TlsContext> make_tls_context(const Certificate& text) {
  const Bio certificate_text = reader_of(text.certificate_pem);
  const Bio key_text = reader_of(text.key_pem);
  const X509Certificate certificate(
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (certificate == nullptr || key == nullptr || context == nullptr)
    return fail(ErrorCode::InvalidInput, "the certificate cannot be read",
                "local cluster certificate");
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1)
    return tls_failure("the certificate cannot be used");
  return context;
}

}  // namespace ray_gitops::local_cluster
