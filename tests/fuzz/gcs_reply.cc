// The answers of a head's GCS: the first byte says to which call.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/ray/gcs/decode.h"

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  if (size == 0) return 0;
  GcsRequest request;
  if (data[0] % 2 == 1) request.body = DrainRequest{};
  static_cast<void>(ray::decode(request, text_of(data, size).substr(1)));
  return 0;
}
