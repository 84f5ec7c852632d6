// The configuration of an agent.
#include "reconcilers/declaration/agent_config.h"

#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(
      ray_gitops::parse_agent_config(ray_gitops::fuzz::text_of(data, size), "agent.yaml"));
  return 0;
}
