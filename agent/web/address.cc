#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>

#include "agent/web/server.h"
#include "reconcilers/model/diagnostic.h"

namespace ray_gitops::web {
namespace {

bool is_numeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  return host.find('\0') == std::string::npos && inet_pton(family, host.c_str(), bytes.data()) == 1;
}

}  // namespace

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const auto refusal =
      fail(ErrorCode::InvalidInput, "is no address and port to listen on, such as 0.0.0.0:8080",
           printable(text, 64));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return refusal;
  const std::string_view port = std::string_view(text).substr(colon + 1);
  ListenAddress address{text.substr(0, colon), 0};
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  else if (address.host.find(':') != std::string::npos)
    return refusal;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || !is_numeric(address.host))
    return refusal;
  address.port = number;
  return address;
}

}  // namespace ray_gitops::web
