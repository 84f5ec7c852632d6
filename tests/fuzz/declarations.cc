// A watched file. What it declares must be readable from the anchor that keeps it.

#include "reconcilers/declaration/parse.h"
#include "reconcilers/model/check.h"
#include "tests/fuzz/text_of.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ray_gitops;
  const ParsedFile file = parse_file(
      {.path = "file.yaml", .bytes = fuzz::text_of(data, size), .commit = {}}, "default");
  for (const ParsedDocument& document : file.documents) {
    if (!document.declaration) continue;
    CHECK(document.key.has_value());
    const Declaration& declared = *document.declaration;
    CHECK(parse_document(declared.document, declared.provenance).has_value());
  }
  return 0;
}
