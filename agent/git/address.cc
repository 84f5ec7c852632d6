#include "agent/git/address.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "agent/log/log.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::git {
namespace {

constexpr std::string_view k_file_scheme = "file://";

std::optional<unsigned> hex_digit(char character) {
  if (character >= '0' && character <= '9') return static_cast<unsigned>(character - '0');
  const char lower = static_cast<char>(character | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] == '%' && index + 2 < text.size()) {
      const auto high = hex_digit(text[index + 1]);
      const auto low = hex_digit(text[index + 2]);
      if (high && low) {
        decoded += static_cast<char>(*high * 16 + *low);
        index += 2;
        continue;
      }
    }
    decoded += text[index];
  }
  return decoded;
}

// As a file URL, because libgit2 takes a path with a ':' in it for an ssh address.
Result<Address> local_address(const std::string& path) {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos)
    return fail(ErrorCode::InvalidInput,
                "a repository on this machine is named by an absolute path, or file:// and one",
                printable(path));
  constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string url(k_file_scheme);
  for (const char character : path) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '%' || character == '?' || character == '#' || byte <= 0x20U || byte >= 0x7FU)
      url += {'%', k_digits[byte >> 4U], k_digits[byte & 15U]};
    else
      url += character;
  }
  return Address{url, path, printable(path)};
}

Result<Address> web_address(const std::string& url, std::size_t scheme_length) {
  const std::string shown = log::redact(printable(url));
  const std::string_view authority =
      std::string_view(url).substr(scheme_length, url.find('/', scheme_length) - scheme_length);
  const std::size_t user_end = authority.rfind('@');
  const std::string_view host =
      user_end == std::string_view::npos ? authority : authority.substr(user_end + 1);
  const bool odd = std::any_of(url.begin(), url.end(), [](char character) {
    return static_cast<unsigned char>(character) <= 0x20U || character == '\\' ||
           static_cast<unsigned char>(character) >= 0x7FU;
  });
  if (odd || host.empty() || host.front() == '-' || host.front() == ':')
    return fail(ErrorCode::InvalidInput, "is no URL of a repository: https://host/path is", shown);
  return Address{url, "", shown};
}

}  // namespace

Result<Address> parse_address(const std::string& url) {
  if (url.size() > k_url_bytes_max)
    return fail(ErrorCode::InvalidInput, "the repository's URL is too long");
  if (url.starts_with("https://")) return web_address(url, 8);
  if (url.starts_with("http://")) return web_address(url, 7);
  if (url.starts_with(k_file_scheme))
    return local_address(percent_decoded(std::string_view(url).substr(k_file_scheme.size())));
  const std::size_t colon = url.find(':');
  const bool host_and_path = colon != std::string::npos && colon < url.find('/');
  if (url.starts_with("ssh://") || (host_and_path && url.find("://") == std::string::npos))
    return fail(ErrorCode::InvalidInput,
                "repositories are not read over ssh yet: use the https:// URL",
                log::redact(printable(url)));
  if (url.find("://") != std::string::npos)
    return fail(ErrorCode::InvalidInput, "use an https://, http:// or file:// URL",
                log::redact(printable(url)));
  return local_address(url);
}

}  // namespace ray_gitops::git
