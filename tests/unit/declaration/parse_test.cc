#include <algorithm>

#include <nlohmann/json.hpp>

#include "reconcilers/declaration/yaml_reader.h"
#include "tests/unit/declaration/support.h"

namespace ray_gitops::test {
namespace {

const ObjectKey k_demo{Kind::RayCluster, "team", "demo"};

TEST(ParseFile, gives_a_declaration_with_its_provenance) {
  const std::string text = "# a comment\n" + cluster();
  const ParsedFile file = parse_file({"a/demo.yaml", text, "0123"}, "team");
  EXPECT_EQ(listed(file.diagnostics), "");
  ASSERT_EQ(file.documents.size(), 1U);
  const Declaration& declaration = file.documents[0].declaration.value();
  EXPECT_EQ(declaration.key, k_demo);
  EXPECT_EQ(declaration.provenance.path, "a/demo.yaml");
  EXPECT_EQ(declaration.provenance.commit, "0123");
  EXPECT_EQ(declaration.provenance.line, 2);
  EXPECT_EQ(declaration.document.json()["metadata"]["namespace"], "team");
  EXPECT_FALSE(declaration.blocked.has_value());
  EXPECT_TRUE(file.names_known);
}

TEST(ParseFile, fills_in_nothing_but_the_namespace) {
  const Declaration declaration = parse(cluster()).documents.at(0).declaration.value();
  nlohmann::json document = declaration.document.json();
  document["metadata"].erase("namespace");
  EXPECT_EQ(document, read_yaml({cluster(), 1}, "").root);
}

TEST(ParseFile, takes_null_as_absent) {
  const ParsedFile file = parse(cluster("    rayStartParams:\n  workerGroupSpecs: ~\n"));
  EXPECT_EQ(listed(file.diagnostics), "");
  EXPECT_EQ(file.documents.at(0).declaration->spec_hash,
            parse(cluster()).documents.at(0).declaration->spec_hash);
}

TEST(ParseFile, does_not_let_one_bad_document_hide_the_others) {
  const std::string second = cluster();
  const ParsedFile file = parse("a: [\n---\n" + second + "---\nkind: {\n");
  ASSERT_EQ(file.documents.size(), 3U);
  EXPECT_FALSE(file.documents[0].key.has_value());
  EXPECT_TRUE(file.documents[1].declaration.has_value());
  EXPECT_EQ(file.documents[1].line, 3);
  EXPECT_FALSE(file.names_known);
}

TEST(ParseFile, knows_the_name_of_an_invalid_document) {
  const ParsedFile file = parse(cluster("  colour: red\n"));
  EXPECT_EQ(places(file.diagnostics), "12:3 UnknownField");
  EXPECT_EQ(file.documents.at(0).key, k_demo);
  EXPECT_FALSE(file.documents.at(0).declaration.has_value());
  EXPECT_TRUE(file.names_known);
}

TEST(ParseFile, knows_the_name_of_a_document_that_breaks_off_behind_it) {
  const ParsedFile file = parse(cluster("  rayVersion: \"2.9\n"));
  EXPECT_EQ(file.documents.at(0).key, k_demo);
  EXPECT_TRUE(file.names_known);
}

TEST(ParseFile, does_not_guess_the_name_of_a_document_that_breaks_off_before_it) {
  for (const char* text :
       {"kind: RayCluster\nmetadata:\n  name: demo\n  labels: {\n", "kind: RayCluster\nspec: [\n",
        "kind: RayCluster\nmetadata: {name: a}\nmetadata: {name: b}\n",
        "kind: RayCluster\nkind: RayJob\nmetadata: {name: a}\n",
        "apiVersion: ray.io/v1\nkind: RayClustr\nmetadata: {name: a}\n",
        "kind: RayCluster\nmetadata: {name: ../../README}\n", "metadata: {name: a}\n",
        "just text\n", "- a\n"}) {
    const ParsedFile file = parse(text);
    EXPECT_FALSE(file.names_known) << text;
    EXPECT_FALSE(file.documents.at(0).key.has_value()) << text;
    EXPECT_FALSE(file.diagnostics.empty()) << text;
  }
}

TEST(ParseFile, knows_that_another_api_group_declares_nothing_of_ours) {
  const ParsedFile file =
      parse("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n");
  EXPECT_EQ(places(file.diagnostics), "2:7 UnknownKind");
  EXPECT_TRUE(file.names_known);
}

TEST(ParseFile, refuses_a_kind_that_is_not_allowed_at_its_place_and_knows_its_name) {
  const std::string text =
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\n";
  const ParsedFile file = parse_file({.path = "a.yaml", .bytes = text, .commit = ""}, "default",
                                     {.refused_kinds = {Kind::Role}, .namespaces = {}});
  EXPECT_EQ(places(file.diagnostics), "2:7 KindNotAllowed");
  EXPECT_TRUE(file.names_known);
  EXPECT_EQ(file.documents.at(0).key, (ObjectKey{Kind::Role, "default", "a"}));
  EXPECT_TRUE(parse(text).diagnostics.empty());
}

TEST(ParseFile, refuses_a_namespace_that_is_not_allowed_at_its_place_and_knows_the_name) {
  const Permissions permissions{.refused_kinds = {}, .namespaces = {"blue", "red"}};
  const auto parsed = [&](const std::string& kind, const std::string& metadata) {
    const std::string text = "apiVersion: v1\nkind: " + kind + "\nmetadata: {" + metadata + "}\n";
    return parse_file({.path = "a.yaml", .bytes = text, .commit = ""}, "blue", permissions);
  };
  EXPECT_TRUE(parsed("ConfigMap", "name: a").diagnostics.empty()) << "in blue by default";
  EXPECT_TRUE(parsed("ConfigMap", "name: a, namespace: red").diagnostics.empty());
  const ParsedFile green = parsed("ConfigMap", "name: a, namespace: green");
  EXPECT_EQ(places(green.diagnostics), "3:32 NamespaceNotAllowed");
  EXPECT_TRUE(green.names_known);
  EXPECT_FALSE(green.documents.at(0).declaration);
  EXPECT_EQ(places(parsed("Namespace", "name: red").diagnostics), "2:7 NamespaceNotAllowed");
}

TEST(ParseFile, has_limits_that_make_names_unknown) {
  EXPECT_EQ(places(parse(std::string(k_file_bytes_max + 1, '\n')).diagnostics), "0:0 FileTooLarge");
  EXPECT_FALSE(parse(std::string(k_file_bytes_max + 1, '\n')).names_known);
  EXPECT_TRUE(parse(std::string(k_file_bytes_max, '\n')).names_known);
  EXPECT_EQ(places(parse("a: \xFF\n").diagnostics), "1:1 NotUtf8");
  std::string many;
  for (std::size_t count = 0; count < k_documents_max; ++count) many += "---\na\n";
  EXPECT_EQ(parse(many).documents.size(), k_documents_max);
  EXPECT_EQ(places(parse(many + "---\na\n").diagnostics), "2001:1 TooManyDocuments");
}

TEST(ParseFile, lists_at_most_a_hundred_problems_of_a_document) {
  std::string fields;
  for (int index = 0; index < 150; ++index) fields += "  wrong" + std::to_string(index) + ": 1\n";
  const ParsedFile file = parse(cluster(fields));
  ASSERT_EQ(file.diagnostics.size(), 101U);
  EXPECT_EQ(places(file.diagnostics).find("1:1 MoreProblems"), 0U);
}

TEST(ParseFile, reads_a_file_with_a_byte_order_mark_and_windows_line_ends) {
  std::string text = "\xEF\xBB\xBF";
  for (const char character : cluster())
    text += character == '\n' ? "\r\n" : std::string(1, character);
  EXPECT_EQ(listed(parse(text).diagnostics), "");
}

TEST(ParseFile, defaults_no_namespace_for_a_namespace) {
  const ParsedFile file = parse("apiVersion: v1\nkind: Namespace\nmetadata: {name: ml}\n");
  EXPECT_EQ(file.documents.at(0).key, (ObjectKey{Kind::Namespace, "", "ml"}));
  EXPECT_TRUE(std::holds_alternative<CompanionSpec>(file.documents.at(0).declaration->spec));
}

TEST(ParseDocument, reads_what_an_anchor_keeps_to_the_same_declaration) {
  const Declaration first = parse(cluster()).documents.at(0).declaration.value();
  const Result<Declaration> second = parse_document(first.document, {"0123", "demo.yaml", 7});
  ASSERT_TRUE(second.has_value()) << describe(second.error());
  EXPECT_EQ(second->key, first.key);
  EXPECT_EQ(second->spec_hash, first.spec_hash);
  EXPECT_EQ(second->document, first.document);
  EXPECT_EQ(second->provenance.line, 7);
}

TEST(ParseDocument, refuses_what_a_file_could_not_say) {
  const auto refused = [](const char* text) {
    return parse_document(Document::parse(text).value(), {"", "demo.yaml", 1}).error().message;
  };
  EXPECT_EQ(refused("[]"), "NotAnObject: the document is not a mapping");
  EXPECT_EQ(refused(R"({"apiVersion":"ray.io/v1","kind":"RayCluster",
                        "metadata":{"name":"demo","namespace":"team"}})"),
            "MissingField: the document has no spec");
}

TEST(Duplicates, are_reported_at_each_place_naming_the_other) {
  const std::string text = cluster();
  const std::vector<FileSource> sources{{"b.yaml", text, ""}, {"a.yaml", text, ""}};
  const Validation validation = validate_files(sources, "team");
  EXPECT_EQ(listed(validation.diagnostics),
            "error a.yaml:1:1 DuplicateObject: RayCluster/team/demo is also declared in b.yaml:1; "
            "keep one of the two; until then neither is applied\n"
            "error b.yaml:1:1 DuplicateObject: RayCluster/team/demo is also declared in a.yaml:1; "
            "keep one of the two; until then neither is applied\n");
}

TEST(Duplicates, tell_paths_apart_that_differ_in_case_or_normalisation_only) {
  const std::string text = cluster();
  std::vector<FileSource> sources{{"\xC3\xBC.yaml", text, ""},
                                  {"u\xCC\x88.yaml", text, ""},
                                  {"A.yaml", text, ""},
                                  {"a.yaml", text, ""}};
  const std::string first = listed(validate_files(sources, "team").diagnostics);
  EXPECT_EQ(validate_files(sources, "team").diagnostics.size(), 4U);
  std::reverse(sources.begin(), sources.end());
  EXPECT_EQ(listed(validate_files(sources, "team").diagnostics), first);
}

TEST(Validate, tells_of_warnings_and_of_what_blocks_in_the_order_of_the_file) {
  const std::string text =
      cluster("    enableIngress: true\n  gcsFaultToleranceOptions: {redisAddress: 'r:6379'}\n");
  const std::vector<FileSource> sources{{"demo.yaml", text, ""}};
  const Validation validation = validate_files(sources, "team");
  EXPECT_EQ(places(validation.diagnostics), "12:5 NotSupportedYet, 13:3 NotSupportedYet");
  EXPECT_TRUE(validation.files.at(0).documents.at(0).declaration->blocked.has_value());
}

}  // namespace
}  // namespace ray_gitops::test
