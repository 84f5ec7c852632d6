// The answers of a head's dashboard: the first byte says to which request, the second which
// status it has.
#include <string>

#include "agent/ray/answers.h"
#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  if (size < 2) return 0;
  RayRequest request;
  request.verb = static_cast<RayVerb>(data[0] % (static_cast<unsigned>(RayVerb::PutServe) + 1));
  request.submission_id = "job";
  HttpResponse response;
  response.status = data[1] % 2 == 0 ? 200 : 400;
  response.body = std::string(fuzz::text_of(data, size).substr(2));
  static_cast<void>(ray::parse_reply(request, response));
  return 0;
}
