#include "agent/kubernetes/made_token.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "reconcilers/manifest/compression.h"

namespace ray_gitops::kubernetes {
namespace {

constexpr std::size_t k_random_bytes = 32;

// As a Secret's `data` holds it: base64 of the text that the token is.
Result<std::string> make_token() {
  std::array<char, k_random_bytes> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0)
    return fail(ErrorCode::Internal, "the system has no random bytes for a token");
  return base64_encode(base64_encode(std::string_view(bytes.data(), bytes.size())));
}

}  // namespace

Result<Document> with_made_tokens(const Document& secret) {
  nlohmann::json body = secret.json();
  for (auto& [key, value] : body["data"].items())
    if (value.is_string() && value.get_ref<const std::string&>().empty()) value = TRY(make_token());
  return Document{std::move(body)};
}

}  // namespace ray_gitops::kubernetes
