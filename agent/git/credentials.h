#pragma once
// The user name and token for a repository over https, as files give them. In the child only: the
// agent itself knows the files' names and never what is in them.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/git/protocol.h"
#include "reconcilers/model/result.h"

namespace ray_gitops::git {

// Of a file with a user name or a token. Tokens that are signed documents take up to 3 KiB.
constexpr std::size_t k_credential_bytes_max = 4096;

struct Credentials {
  std::string username;
  std::string token;
};

// What a file with one line holds: printable ASCII, with or without an end of line. InvalidInput
// says what is wrong without saying what is there.
Result<std::string> parse_credential(std::string_view bytes);

// Reads the files, every time, because tokens are replaced while the agent runs; nullopt when the
// source names none. NotFound, Forbidden (others may read or write it), LimitExceeded or
// InvalidInput about the file at fault.
Result<std::optional<Credentials>> read_credentials(const CredentialSource& source);

// The text without the token and without the Basic credentials (RFC 7617) made of it: a server may
// repeat what it was sent.
std::string without_credentials(std::string text, const Credentials& credentials);

}  // namespace ray_gitops::git
