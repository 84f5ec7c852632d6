// The answers of a head's GCS: the first byte says to which call.

#include "agent/ray/gcs/decode.h"
#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  if (size == 0) return 0;
  GcsRequest request;
  if (data[0] % 2 == 1) request.body = DrainRequest{};
  static_cast<void>(ray::decode(request, fuzz::text_of(data, size).substr(1)));
  return 0;
}
