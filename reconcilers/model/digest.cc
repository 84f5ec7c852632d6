#include "reconcilers/model/digest.h"

#include <array>

#include <openssl/sha.h>

namespace ray_gitops {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  constexpr std::string_view k_digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text += k_digits[byte >> 4U];
    text += k_digits[byte & 15U];
  }
  return text;
}

std::string stored_hash(std::string_view canonical_bytes) {
  return "v1:" + short_hash(canonical_bytes, 32);
}

std::string short_hash(std::string_view bytes, std::size_t length) {
  return sha256_hex(bytes).substr(0, length);
}

}  // namespace ray_gitops
