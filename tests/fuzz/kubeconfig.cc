// A kubeconfig in an empty folder.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/kubernetes/connection.h"

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(ray_gitops::kubernetes::parse_kubeconfig(text_of(data, size), "/nonexistent"));
  return 0;
}
