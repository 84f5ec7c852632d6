#pragma once
// zlib and base64 for what goes into a ConfigMap's binaryData.

#include <cstddef>
#include <string>
#include <string_view>

#include "reconcilers/model/result.h"

namespace ray_gitops {

// The same bytes for the same input on every machine (fixed level).
std::string compress(std::string_view bytes);
// Refuses what is not zlib (InvalidInput) or grows over the limit (LimitExceeded).
Result<std::string> decompress(std::string_view bytes, std::size_t bytes_max);

// RFC 4648 with padding, one line.
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

}  // namespace ray_gitops
