// A watched file. What it declares must be readable from the anchor that keeps it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reconcilers/declaration/parse.h"
#include "reconcilers/model/check.h"

namespace {

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  const ParsedFile file =
      parse_file({.path = "file.yaml", .bytes = text_of(data, size), .commit = {}}, "default");
  for (const ParsedDocument& document : file.documents) {
    if (!document.declaration) continue;
    CHECK(document.key.has_value());
    const Declaration& declared = *document.declaration;
    CHECK(parse_document(declared.document, declared.provenance).has_value());
  }
  return 0;
}
