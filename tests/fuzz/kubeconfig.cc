// A kubeconfig, beside which there is no file.

#include "agent/kubernetes/connection.h"
#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(ray_gitops::kubernetes::parse_kubeconfig(ray_gitops::fuzz::text_of(data, size),
                                                             "/nonexistent"));
  return 0;
}
