// The answers of a head's dashboard: the first byte says to which request, the second which
// status it has.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/ray/answers.h"

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  if (size < 2) return 0;
  RayRequest request;
  request.verb = static_cast<RayVerb>(data[0] % (static_cast<unsigned>(RayVerb::PutServe) + 1));
  request.submission_id = "job";
  HttpResponse response;
  response.status = data[1] % 2 == 0 ? 200 : 400;
  response.body = std::string(text_of(data, size).substr(2));
  static_cast<void>(ray::parse_reply(request, response));
  return 0;
}
