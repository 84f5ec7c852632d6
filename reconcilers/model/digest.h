#pragma once
// Hashes. SHA-256, because what they name ends up in Git and in annotations.

#include <cstddef>
#include <string>
#include <string_view>

namespace ray_gitops {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
// "v1:" and the first 32 hexadecimal digits: the form in which hashes are stored. The prefix names
// the rule by which the hashed bytes were made.
std::string stored_hash(std::string_view canonical_bytes);
// The first `length` (at most 64) digits, for names.
std::string short_hash(std::string_view bytes, std::size_t length);

}  // namespace ray_gitops
