#include "reconcilers/status/tree.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/status/readme.h"

namespace ray_gitops::status {
namespace {

ObjectStatus object(const std::string& name, Phase phase) {
  ObjectStatus status;
  status.key = {Kind::RayCluster, "default", name};
  status.declared = {std::string(40, 'b'), "clusters/" + name + ".yaml", 3};
  status.declared_hash = status.applied_hash = "v1:0123";
  status.applied_commit = std::string(40, 'a');
  status.phase = phase;
  status.reason = phase == Phase::Ready ? "AllPodsReady" : "PodsStarting";
  status.message = "the head and 2 workers are ready";
  status.since = {1'767'323'045'000};
  return status;
}

StatusFacts facts() {
  StatusFacts facts;
  facts.agent_id = "blue";
  facts.agent_version = "1.2.3";
  facts.branch = "main";
  facts.observed_commit = facts.accepted_commit = std::string(40, 'b');
  facts.objects = {object("demo", Phase::Ready), object("other", Phase::Progressing)};
  return facts;
}

TEST(StatusTree, the_same_facts_give_the_same_bytes) {
  EXPECT_EQ(render_tree(facts()), render_tree(facts()));
}

TEST(StatusTree, each_object_has_a_file_that_says_how_it_is) {
  const Tree tree = render_tree(facts());
  const auto json = nlohmann::json::parse(tree.at("objects/default/raycluster/demo.json"));
  EXPECT_EQ(json["phase"], "Ready");
  EXPECT_EQ(json["since"], "2026-01-02T03:04:05Z");
  EXPECT_EQ(json["file"], "clusters/demo.yaml");
  EXPECT_EQ(json["line"], 3);
  EXPECT_EQ(json["applied"]["commit"], std::string(40, 'a'));
  const auto summary = nlohmann::json::parse(tree.at("summary.json"));
  EXPECT_EQ(summary["objects"], 2);
  EXPECT_EQ(summary["phases"]["Ready"], 1);
}

TEST(StatusTree, what_was_published_is_read_back) {
  const auto published = read_published(render_tree(facts()));
  ASSERT_EQ(published.size(), 2U);
  const PublishedPhase& demo = published.at("objects/default/raycluster/demo.json");
  EXPECT_EQ(demo.phase, "Ready");
  EXPECT_EQ(demo.reason, "AllPodsReady");
  EXPECT_EQ(demo.since.milliseconds, 1'767'323'045'000);
}

TEST(StatusTree, files_of_others_on_the_branch_are_no_status) {
  const Tree hostile{{"objects/default/raycluster/a.json", "[1]"},
                     {"objects/default/raycluster/b.json", "{\"phase\": 3}"},
                     {"objects/default/raycluster/c.json", "\xff\xfe"},
                     {"README.md", "{}"}};
  EXPECT_TRUE(read_published(hostile).empty());
}

TEST(StatusTree, files_with_something_wrong_have_a_page_with_line_and_rule) {
  StatusFacts with_errors = facts();
  with_errors.diagnostics = {{.severity = Severity::Error,
                              .path = "Teams/a_b.yaml",
                              .line = 7,
                              .column = 3,
                              .rule = "UnknownField",
                              .found = "replica is no field",
                              .write = "write replicas"}};
  const Tree tree = render_tree(with_errors);
  const std::string& page = tree.at("errors/~54eams/a~5fb.yaml.md");
  EXPECT_NE(page.find("Line 7, column 3: UnknownField"), std::string::npos);
  EXPECT_NE(page.find("write replicas"), std::string::npos);
}

TEST(StatusTree, a_hold_is_shown_with_the_line_that_releases_it) {
  StatusFacts held = facts();
  held.hold_id = "0123456789ab";
  held.hold_message = "the commit would remove 6";
  const Tree tree = render_tree(held);
  EXPECT_NE(tree.at("README.md").find("Ray-Gitops-Release: 0123456789ab"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(tree.at("summary.json"))["hold"]["id"], "0123456789ab");
}

TEST(StatusTree, no_name_leads_out_of_its_folder_or_onto_another_file) {
  EXPECT_EQ(escape_path("../../README"), "~2e./~2e./~52~45~41~44~4d~45");
  EXPECT_EQ(escape_path(".gitattributes"), "~2egitattributes");
  EXPECT_NE(escape_path("A.yaml"), escape_path("a.yaml"));
  EXPECT_EQ(object_path({Kind::Namespace, "", "team"}), "objects/-/namespace/team.json");
}

TEST(StatusReadme, text_of_users_is_no_markup) {
  StatusFacts hostile = facts();
  hostile.objects[0].message = "a | b\n## c </details> @everyone [x](http://h) \x1b[31m`d`";
  const std::string page = render_tree(hostile).at("README.md");
  EXPECT_EQ(page.find("\n## c"), std::string::npos);
  EXPECT_EQ(page.find("@everyone"), std::string::npos);
  EXPECT_EQ(page.find("</details>"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("a \\| b"), std::string::npos);
}

TEST(StatusReadme, stays_within_its_limit_with_five_thousand_objects) {
  StatusFacts many = facts();
  many.objects.clear();
  for (int number = 0; number < 5000; ++number)
    many.objects.push_back(object("cluster-" + std::to_string(number), Phase::Ready));
  const std::string page = render_readme(many);
  EXPECT_LE(page.size(), k_readme_bytes_max);
  EXPECT_NE(page.find("and more"), std::string::npos);
}

}  // namespace
}  // namespace ray_gitops::status
