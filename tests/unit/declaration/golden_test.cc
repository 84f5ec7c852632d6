// A folder of documents and what is said about them; a folder of documents and their hashes.

#include <algorithm>
#include <filesystem>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> cases_in(const std::string& folder) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  return cases;
}

std::string described(const ParsedFile& file) {
  std::string text = listed(file.diagnostics);
  for (const ParsedDocument& document : file.documents)
    text += "line " + std::to_string(document.line) + ": " +
            (document.key ? to_string(*document.key) : "unknown object") +
            (!document.declaration           ? ", invalid"
             : document.declaration->blocked ? ", blocked"
                                             : ", valid") +
            "\n";
  return text + (file.names_known ? "" : "not every name is known\n");
}

TEST(Golden, every_document_gets_the_diagnostics_beside_it) {
  const auto cases = cases_in("tests/golden/declaration/diagnostics");
  ASSERT_FALSE(cases.empty());
  for (const fs::path& path : cases) {
    const std::string bytes = read_text(path);
    const ParsedFile file = parse_file({path.filename().string(), bytes, ""}, "default");
    expect_golden(fs::path(path).replace_extension(".diagnostics"), described(file));
  }
}

std::string hashes_of_service(const RayServiceSpec& service) {
  std::string text = "  head " + service.head_hash + "\n";
  for (const auto& [group, hash] : service.group_hashes)
    text.append("  " + group).append(" " + hash).append("\n");
  return text + "  configuration " + service.serve_config_digest + "\n";
}

std::string hashes_of(const ParsedFile& file) {
  std::string text;
  for (const ParsedDocument& document : file.documents) {
    const Declaration& declaration = document.declaration.value();
    text += to_string(declaration.key) + " " + declaration.spec_hash + "\n";
    if (const auto* job = std::get_if<RayJobSpec>(&declaration.spec))
      text += "  run " + job->run_hash + "\n";
    if (const auto* service = std::get_if<RayServiceSpec>(&declaration.spec))
      text += hashes_of_service(*service);
    const auto* cluster = std::get_if<RayClusterSpec>(&declaration.spec);
    if (cluster == nullptr) continue;
    text += "  headgroup " + cluster->head.template_hash + " " + cluster->head.runtime_hash + "\n";
    for (const GroupSpec& group : cluster->workers)
      text += "  " + group.name + " " + group.template_hash + " " + group.runtime_hash + "\n";
  }
  return text;
}

// Never updated, only added to: a changed hash restarts the pods of everybody who upgrades, and
// runs their jobs again, and replaces the clusters of their services.
TEST(Golden, hashes_never_change) {
  const auto cases = cases_in("tests/golden/declaration/hashes");
  ASSERT_FALSE(cases.empty());
  for (const fs::path& path : cases) {
    const std::string bytes = read_text(path);
    const std::string hashes = hashes_of(parse_file({path.string(), bytes, ""}, "default"));
    const std::string pinned = fs::path(path).replace_extension(".hashes");
    if (updates_golden() && !fs::exists(pinned)) std::ofstream(pinned) << hashes;
    EXPECT_EQ(read_text(pinned), hashes) << pinned;
  }
}

}  // namespace
}  // namespace ray_gitops::test
