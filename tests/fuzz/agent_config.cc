// The configuration of an agent.
#include "reconcilers/declaration/agent_config.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(ray_gitops::parse_agent_config(text_of(data, size), "agent.yaml"));
  return 0;
}
