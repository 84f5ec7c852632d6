#include "reconcilers/manifest/compression.h"

#include <algorithm>

#include <openssl/evp.h>
#include <zlib.h>

#include "reconcilers/model/check.h"

namespace ray_gitops {

std::string compress(std::string_view bytes) {
  constexpr int k_level = 9;
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string output(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(output.data()), &size,
                               reinterpret_cast<const Bytef*>(bytes.data()),
                               static_cast<uLong>(bytes.size()), k_level);
  CHECK(status == Z_OK);
  output.resize(size);
  return output;
}

Result<std::string> decompress(std::string_view bytes, std::size_t bytes_max) {
  std::string output(std::min(bytes_max, std::max<std::size_t>(1024, bytes.size() * 8)), '\0');
  while (true) {
    auto size = static_cast<uLongf>(output.size());
    const int status =
        uncompress(reinterpret_cast<Bytef*>(output.data()), &size,
                   reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
    if (status == Z_OK) {
      output.resize(size);
      return output;
    }
    if (status != Z_BUF_ERROR) return fail(ErrorCode::InvalidInput, "not zlib-compressed data");
    if (output.size() >= bytes_max)
      return fail(ErrorCode::LimitExceeded,
                  "compressed data is cut short, or grows over the limit");
    output.resize(std::min(bytes_max, output.size() * 4));
  }
}

std::string base64_encode(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(written));
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  constexpr std::string_view k_alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view digits = text.substr(0, text.size() - padding);
  // OpenSSL skips white space and takes '=' anywhere.
  if (text.size() % 4 != 0 || digits.find_first_not_of(k_alphabet) != digits.npos)
    return fail(ErrorCode::InvalidInput, "not base64");
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  const int written = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (written < 0) return fail(ErrorCode::InvalidInput, "not base64");
  bytes.resize(static_cast<std::size_t>(written) - padding);
  return bytes;
}

}  // namespace ray_gitops
