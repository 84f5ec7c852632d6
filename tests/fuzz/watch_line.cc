// A line of a watch: the first byte says of which type.

#include "agent/kubernetes/watch_stream.h"
#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  if (size == 0) return 0;
  const auto type = static_cast<ResourceType>(
      data[0] % (static_cast<unsigned>(ResourceType::PodDisruptionBudget) + 1));
  static_cast<void>(kubernetes::parse_watch_line(type, fuzz::text_of(data, size).substr(1)));
  return 0;
}
