// Whatever the bytes are, the answer is one: documents that are known, or diagnostics.

#include <algorithm>

#include <rapidcheck.h>

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

void expect_an_answer(const std::string& bytes) {
  const ParsedFile file = parse(bytes);
  RC_ASSERT(file.names_known || !file.diagnostics.empty());
  for (const ParsedDocument& document : file.documents) {
    RC_ASSERT(document.declaration.has_value() || !file.diagnostics.empty());
    RC_ASSERT(!document.declaration || document.declaration->key == document.key);
  }
  for (const Diagnostic& diagnostic : file.diagnostics) {
    RC_ASSERT(!diagnostic.rule.empty() && !diagnostic.found.empty() && !diagnostic.write.empty());
    RC_ASSERT(to_string(diagnostic).find('\n') == std::string::npos);
    RC_ASSERT(diagnostic.line <= 1 + std::count(bytes.begin(), bytes.end(), '\n'));
  }
}

TEST(AnyBytes, get_an_answer) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) { expect_an_answer(bytes); }));
}

const std::vector<std::string> k_tokens{"a",
                                        ": ",
                                        "\n",
                                        "  ",
                                        "- ",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        "'",
                                        "\"",
                                        "&a ",
                                        "*a",
                                        "? ",
                                        "|\n",
                                        ">\n",
                                        "---\n",
                                        "...\n",
                                        "#",
                                        "!!str ",
                                        "~",
                                        "kind: RayCluster\n",
                                        "apiVersion: ray.io/v1\n",
                                        "metadata:\n",
                                        "  name: demo\n",
                                        "spec:\n",
                                        "1",
                                        ".inf",
                                        "<<",
                                        "\t",
                                        "%YAML 1.2\n"};

TEST(AnyYaml, gets_an_answer) {
  EXPECT_TRUE(rc::check([] {
    const auto tokens = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(k_tokens));
    std::string bytes;
    for (const std::string& token : tokens) bytes += token;
    expect_an_answer(bytes);
  }));
}

bool every_mutilation_gets_an_answer(const std::string& good) {
  return rc::check([&good] {
    std::string bytes = good;
    const auto size = static_cast<int>(good.size());
    const auto start = static_cast<std::size_t>(*rc::gen::inRange(0, size));
    const auto length = static_cast<std::size_t>(*rc::gen::inRange(0, 40));
    const auto token = *rc::gen::elementOf(k_tokens);
    bytes.replace(start, length, token);
    expect_an_answer(bytes);
  });
}

TEST(AnyMutilation, of_a_good_document_gets_an_answer) {
  EXPECT_TRUE(
      every_mutilation_gets_an_answer(cluster(workers("    groupName: a\n    replicas: 2\n"))));
}

TEST(AnyMutilation, of_a_good_service_gets_an_answer) {
  EXPECT_TRUE(every_mutilation_gets_an_answer(
      service("    http_options: {port: 8000}\n    applications:\n    - name: a\n"
              "      route_prefix: /a\n      import_path: a:b\n      runtime_env: {working_dir: "
              "'https://h/a.zip'}\n      deployments:\n      - {name: D, num_replicas: 2}\n",
              workers_of_service("      replicas: 2\n"))));
}

}  // namespace
}  // namespace ray_gitops::test
