#include "agent/local_cluster/kubelet/quantity.h"

#include <charconv>
#include <cmath>
#include <map>

namespace ray_gitops::local_cluster {
namespace {

// Kubernetes API, "Quantity": decimal SI and binary suffixes.
const std::map<std::string_view, double>& suffixes() {
  static const std::map<std::string_view, double> table = {
      {"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},   {"k", 1e3},     {"M", 1e6},
      {"G", 1e9},     {"T", 1e12},    {"P", 1e15},    {"E", 1e18},   {"Ki", 0x1p10}, {"Mi", 0x1p20},
      {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
  return table;
}

}  // namespace

std::optional<double> parse_quantity(std::string_view text) {
  double number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto parsed = std::from_chars(begin, end, number, std::chars_format::general);
  if (parsed.ec != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  const auto suffix = suffixes().find({parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)});
  if (suffix == suffixes().end()) return std::nullopt;
  return number * suffix->second;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const auto number = parse_quantity(text);
  if (!number || *number > 9e18) return std::nullopt;
  return static_cast<std::int64_t>(std::ceil(*number));
}

}  // namespace ray_gitops::local_cluster
