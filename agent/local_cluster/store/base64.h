#pragma once
// Base64 with padding (RFC 4648), as Secrets and binaryData hold bytes.

#include <optional>
#include <string>
#include <string_view>

namespace ray_gitops::local_cluster {

std::string to_base64(std::string_view bytes);
// nullopt for anything that is not it.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace ray_gitops::local_cluster
