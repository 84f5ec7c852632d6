// No value that could be secret reaches a diagnostic.

#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

void expect_hidden(const std::string& text) {
  const ParsedFile file = parse(text);
  EXPECT_FALSE(file.diagnostics.empty()) << text;
  EXPECT_EQ(listed(file.diagnostics).find("hunter2"), std::string::npos)
      << listed(file.diagnostics);
  EXPECT_EQ(listed(file.diagnostics).find("4242"), std::string::npos) << listed(file.diagnostics);
}

std::string secret(const std::string& more) {
  return "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n" + more;
}

TEST(Secrets, stay_hidden_whatever_is_wrong_with_a_secret) {
  for (const char* more :
       {"stringData: hunter2\n", "stringData: {password: 4242}\n", "data: {password: 'hunter2!'}\n",
        "stringData: [hunter2]\n", "password: hunter2\n", "stringData: {a: {b: hunter2}}\n",
        "stringData: {a: *hunter2}\n", "stringData: {a: !hunter2 x}\n",
        "stringData: {a: !hunter2}\n", "stringData: {a: \"hunter2\n",
        "stringData: {a: '\\qhunter2\n", "stringData: {a: \"\\hunter2\"}\n",
        "data:\n\tpassword: hunter2\n", "stringData: {a: hunter2, a: hunter2}\n",
        "stringData: {a: %hunter2}\n", "stringData: {a: @hunter2}\n", "data: {a: hunter2}\n",
        "immutable: hunter2\n"})
    expect_hidden(secret(more));
}

TEST(Secrets, stay_hidden_in_the_environment_of_a_container) {
  for (const char* more :
       {"          env: [{name: A, value: 4242}]\n", "          env: {A: hunter2}\n",
        "          env: ['A=hunter2']\n", "          env: [{name: A, valu: hunter2}]\n",
        "          args: --password=hunter2\n", "    rayStartParams: {redis-password: 4242}\n"})
    expect_hidden(cluster(more));
}

TEST(Secrets, stay_hidden_in_a_serve_configuration) {
  const std::string service =
      "apiVersion: ray.io/v1\nkind: RayService\nmetadata: {name: s}\nspec:\n"
      "  rayClusterConfig: {headGroupSpec: {template: {spec: {containers: [{name: h, image: "
      "i}]}}}}\n"
      "  serveConfigV2: |\n    ";
  for (const char* config :
       {"applications: [{import_path: hunter2, args: {key: 4242}}]",
        "applications: [{import_path: a:b, args: hunter2}]",
        "applications: [{import_path: a:b, runtime_env: {working_dir: /hunter2}}]",
        "applications: [{import_path: a:b, runtime_env: {env_vars: {A: *hunter2}}}]",
        "applications: [{import_path: a:b, deployments: [{name: a, user_config: hunter2}]}]",
        "applications: [hunter2]", "applications: hunter2", "hunter2", "{a: \"hunter2"})
    expect_hidden(service + config + "\n");
}

TEST(Secrets, are_valid_companions) {
  const ParsedFile file =
      parse(secret("type: Opaque\nstringData: {a: hunter2}\ndata: {b: aGk=}\n"));
  EXPECT_EQ(listed(file.diagnostics), "");
  EXPECT_TRUE(file.documents.at(0).declaration.has_value());
}

}  // namespace
}  // namespace ray_gitops::test
