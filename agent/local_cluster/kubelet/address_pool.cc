#include "agent/local_cluster/kubelet/address_pool.h"

#include <charconv>
#include <optional>

#include <arpa/inet.h>

#include "agent/local_cluster/store/service_network.h"

namespace ray_gitops::local_cluster {
namespace {

std::optional<std::uint32_t> parse_address(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string render_address(std::uint32_t number) {
  const in_addr address{htonl(number)};
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

}  // namespace

Result<AddressPool> AddressPool::parse(std::string_view subnet) {
  const auto refuse_it = [&] {
    return fail(ErrorCode::InvalidInput,
                "the pod subnet must be an IPv4 network like 10.88.0.0/24 (prefix 16 to 29)",
                std::string(subnet));
  };
  const auto slash = subnet.find('/');
  if (slash == std::string_view::npos) return refuse_it();
  const auto network = parse_address(std::string(subnet.substr(0, slash)));
  int prefix = 0;
  const char* end = subnet.data() + subnet.size();
  const auto parsed = std::from_chars(subnet.data() + slash + 1, end, prefix);
  if (!network || parsed.ec != std::errc{} || parsed.ptr != end) return refuse_it();
  if (prefix < 16 || prefix > 29) return refuse_it();
  const std::uint32_t hosts = (std::uint32_t{1} << (32 - prefix)) - 1;
  if ((*network & hosts) != 0) return refuse_it();
  AddressPool pool;
  pool.subnet_ = subnet;
  pool.prefix_length_ = prefix;
  pool.first_ = *network + 2;
  pool.last_ = *network + hosts - 1;
  if (*network <= k_cluster_ip_last && *network + hosts >= k_cluster_ip_first)
    return fail(
        ErrorCode::InvalidInput,
        std::string("the pod subnet overlaps the addresses of Services, ") + k_service_subnet,
        std::string(subnet));
  return pool;
}

bool AddressPool::is_pod_address(std::string_view address) const {
  const auto number = parse_address(std::string(address));
  return number && *number >= first_ && *number <= last_;
}

std::string AddressPool::gateway() const { return render_address(first_ - 1); }

Result<std::string> AddressPool::take(const std::string& holder) {
  const auto held = addresses_.find(holder);
  if (held != addresses_.end()) return render_address(held->second);
  std::uint32_t free = first_;
  for (const auto& [taken, other] : holders_) {
    if (taken != free) break;
    ++free;
  }
  if (free > last_) {
    return fail(ErrorCode::LimitExceeded, "every address of the pod subnet is taken", subnet_);
  }
  holders_.emplace(free, holder);
  addresses_.emplace(holder, free);
  return render_address(free);
}

Result<void> AddressPool::take_exactly(const std::string& holder, const std::string& address) {
  const auto number = parse_address(address);
  if (!number || !is_pod_address(address)) {
    return fail(ErrorCode::InvalidInput, "the address is not in the pod subnet " + subnet_,
                address);
  }
  const auto [place, fresh] = holders_.emplace(*number, holder);
  if (!fresh && place->second != holder) {
    return fail(ErrorCode::Conflict, "the address is held by another pod", address);
  }
  addresses_[holder] = *number;
  return {};
}

void AddressPool::release(const std::string& holder) {
  const auto held = addresses_.find(holder);
  if (held == addresses_.end()) return;
  holders_.erase(held->second);
  addresses_.erase(held);
}

}  // namespace ray_gitops::local_cluster
