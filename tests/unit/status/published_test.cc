#include "reconcilers/status/published.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/status/ledger.h"
#include "reconcilers/status/readme.h"
#include "reconcilers/status/text.h"

namespace ray_gitops::status {
namespace {

const std::string k_hostile =
    "x\r\n## Line 1, column 1: y\x1b[2J\xe2\x80\xae@a [l](http://e) `c` | <b> &amp; \xff *b* \\";

ObjectStatus object(Kind kind, const std::string& name, Phase phase) {
  ObjectStatus status;
  status.key = {kind, kind == Kind::Namespace ? "" : "team-a", name};
  status.declared = {std::string(40, 'b'), "clusters/" + name + ".yaml", 3};
  status.applied_commit = std::string(40, 'a');
  status.applied_path = status.declared.path;
  status.phase = phase;
  status.reason = "BecauseOfThis";
  status.message = "what " + name + " does";
  status.conditions = {{"Ready", phase == Phase::Ready, "BecauseOfThis", "a condition"}};
  status.since = {1'767'323'045'000};
  return status;
}

StatusFacts facts() {
  StatusFacts facts;
  facts.agent_id = "blue";
  facts.agent_version = "1.2.3";
  facts.branch = "main";
  facts.observed_commit = std::string(40, 'b');
  facts.accepted_commit = std::string(40, 'a');
  facts.objects = {object(Kind::RayCluster, "demo", Phase::Ready),
                   object(Kind::RayCluster, "wrong", Phase::Blocked),
                   object(Kind::RayJob, "demo", Phase::Succeeded),
                   object(Kind::Namespace, "team-a", Phase::Ready)};
  facts.objects[0].ray = Document(nlohmann::json{
      {"headReady", true}, {"groups", {{{"name", "small"}, {"ready", 1}, {"wanted", 2}}}}});
  facts.objects[1].next = "write `replicas`";
  facts.diagnostics = {
      {Severity::Error, "clusters/wrong.yaml", 9, 3, "UnknownField", "`a_b` <c> & @d", "write `e`"},
      {Severity::Warning, "x.md/Y.yaml", 0, 0, "NotSupportedYet", "no effect", ""}};
  return facts;
}

PublishedStatus published(const StatusFacts& of) {
  Result<PublishedStatus> status = read_tree(render_tree(of));
  EXPECT_TRUE(status) << describe(status.error());
  return status ? std::move(*status) : PublishedStatus{};
}

std::string overview(const StatusFacts& of) { return render_overview(published(of), {}); }

std::string about(const StatusFacts& of, const std::string& asked) {
  const PublishedStatus status = published(of);
  const auto found = find_object(status, asked);
  if (!found) return describe(found.error());
  return render_object(status, **found, published_runs(render_tree(of), **found), {});
}

// Nothing that a terminal obeys, but for the ends of lines.
bool is_tame(std::string text) {
  std::erase(text, '\n');
  return printable(text, text.size()) == text;
}

TEST(Published, overview_says_what_is_watched_and_what_is_wrong) {
  EXPECT_EQ(overview(facts()),
            "blue: branch main at commit bbbbbbb, acting on commit aaaaaaa; 4 objects: 1 Blocked, "
            "2 Ready, 1 Succeeded\n"
            "2 diagnostics:\n"
            "  clusters/wrong.yaml:9:3 UnknownField: `a_b` <c> & @d; write `e`\n"
            "  x.md/Y.yaml NotSupportedYet: no effect\n"
            "\n"
            "STATE      OBJECT                   MESSAGE           FILE                    SINCE\n"
            "Blocked    RayCluster/team-a/wrong  what wrong does   clusters/wrong.yaml:3   "
            "2026-01-02T03:04:05Z\n"
            "Ready      RayCluster/team-a/demo   what demo does    clusters/demo.yaml:3    "
            "2026-01-02T03:04:05Z\n"
            "Ready      Namespace/team-a         what team-a does  clusters/team-a.yaml:3  "
            "2026-01-02T03:04:05Z\n"
            "Succeeded  RayJob/team-a/demo       what demo does    clusters/demo.yaml:3    "
            "2026-01-02T03:04:05Z\n");
}

TEST(Published, overview_of_nothing_says_so) {
  StatusFacts nothing;
  nothing.agent_id = "blue";
  nothing.branch = "main";
  EXPECT_EQ(overview(nothing),
            "blue: branch main at no commit yet; 0 objects\n\nNothing is declared.\n");
}

TEST(Published, overview_says_how_to_release_what_is_held_and_why_nothing_new_happens) {
  StatusFacts held = facts();
  held.hold_id = "0123456789ab";
  held.hold_message = "it would remove 6 of 10 objects";
  held.source_problem = "the repository cannot be reached";
  const std::string text = overview(held);
  EXPECT_NE(text.find("No new commit can be acted on: the repository cannot be reached."),
            std::string::npos);
  EXPECT_NE(text.find("Held: it would remove 6 of 10 objects\n"), std::string::npos);
  EXPECT_NE(text.find("\n  Ray-Gitops-Release: 0123456789ab\n"), std::string::npos);
}

TEST(Published, a_long_list_of_diagnostics_is_cut_and_counted) {
  StatusFacts many = facts();
  many.diagnostics.assign(25, many.diagnostics.front());
  const std::string text = overview(many);
  EXPECT_NE(text.find("25 diagnostics:\n"), std::string::npos);
  EXPECT_NE(text.find("  and 5 more: see errors/ in the branch\n"), std::string::npos);
}

TEST(Published, an_object_is_shown_with_all_its_facts) {
  EXPECT_EQ(about(facts(), "RayCluster/team-a/wrong"),
            "RayCluster/team-a/wrong: Blocked (BecauseOfThis) since 2026-01-02T03:04:05Z\n"
            "message     what wrong does\n"
            "file        clusters/wrong.yaml:3\n"
            "spec        commit " +
                std::string(40, 'b') +
                "\n"
                "applied     commit " +
                std::string(40, 'a') +
                "\n"
                "condition   Ready is False (BecauseOfThis): a condition\n"
                "diagnostic  clusters/wrong.yaml:9:3 UnknownField: `a_b` <c> & @d; write `e`\n"
                "next        write `replicas`\n");
  const std::string demo = about(facts(), "raycluster/demo");
  EXPECT_NE(demo.find("ray        groups: name small, ready 1, wanted 2\n"
                      "           headReady: true\n"),
            std::string::npos)
      << demo;
}

TEST(Published, a_held_object_says_how_to_release_it) {
  StatusFacts held = facts();
  held.hold_id = "0123456789ab";
  held.objects = {object(Kind::RayCluster, "old", Phase::Held)};
  held.objects[0].declared = {};
  const std::string text = about(held, "old");
  EXPECT_NE(text.find("not in the repository"), std::string::npos);
  EXPECT_NE(text.find("commit " + std::string(40, 'a') + " of clusters/old.yaml"),
            std::string::npos);
  EXPECT_NE(text.find("\"Ray-Gitops-Release: 0123456789ab\""), std::string::npos);
}

TEST(Published, the_runs_of_a_job_are_shown_the_newest_first) {
  StatusFacts jobs = facts();
  const ObjectKey key{Kind::RayJob, "team-a", "demo"};
  FinishedRuns runs;
  for (int run = 1; run <= 23; ++run)
    runs.push_back({.run_hash = "v1:" + std::to_string(run),
                    .stage = run == 23 ? JobStage::Failed : JobStage::Succeeded,
                    .attempt = run,
                    .submission_id = "demo-" + std::to_string(run),
                    .reason = "Why",
                    .message = k_hostile,
                    .finished_at = {1'767'323'045'000 + run * 1000}});
  jobs.ledger[ledger_path(key)] = render_ledger(key, runs);
  const std::string text = about(jobs, "RayJob/team-a/demo");
  const std::size_t newest = text.find("Failed     2026-01-02T03:04:28Z  23       demo-23");
  EXPECT_NE(newest, std::string::npos) << text;
  EXPECT_LT(newest, text.find("demo-22 "));
  EXPECT_EQ(text.find("demo-3 "), std::string::npos);
  EXPECT_NE(text.find("and 3 older: see ledger/team-a/demo.json"), std::string::npos);
  EXPECT_TRUE(is_tame(text));

  jobs.ledger[ledger_path(key)] = "{}";
  EXPECT_NE(about(jobs, "RayJob/team-a/demo").find("its runs cannot be understood"),
            std::string::npos);
  EXPECT_EQ(about(jobs, "RayCluster/team-a/demo").find("runs"), std::string::npos)
      << "a cluster of the same name has none";
}

TEST(Published, error_files_are_read_back_as_they_were_written) {
  const std::vector<Diagnostic> written{
      {Severity::Error, "A/.b.md/c d.yaml", 9, 3, "UnknownField", "`a_b` <c> &amp; @d *e* \\", "|"},
      {Severity::Error, "A/.b.md/c d.yaml", 0, 0, "YamlSyntax", k_hostile, ""}};
  const std::string path = error_path(written[0].path);
  const auto read = read_error_file(path, render_error_file(written[0].path, written));
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(to_string(read[0]), to_string(written[0]));
  EXPECT_EQ(to_string(read[1]), to_string(written[1]));
}

TEST(Published, an_object_is_found_by_a_name_that_only_it_has) {
  const PublishedStatus status = published(facts());
  EXPECT_EQ(full_name_of(**find_object(status, "wrong")), "RayCluster/team-a/wrong");
  EXPECT_EQ(full_name_of(**find_object(status, "rayjob/demo")), "RayJob/team-a/demo");
  EXPECT_EQ(full_name_of(**find_object(status, "RAYCLUSTER/team-a/demo")),
            "RayCluster/team-a/demo");
  EXPECT_EQ(full_name_of(**find_object(status, "Namespace/team-a")), "Namespace/team-a");
  const auto ambiguous = find_object(status, "demo");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, ErrorCode::InvalidInput);
  EXPECT_EQ(ambiguous.error().message,
            "several objects have this name: RayCluster/team-a/demo, RayJob/team-a/demo");
  for (const char* missing : {"nothing", "Demo", "RayJob/wrong", "RayCluster/team-b/demo"})
    EXPECT_EQ(find_object(status, missing).error().code, ErrorCode::NotFound) << missing;
  for (const char* nonsense : {"", "/", "a/b/c/d", "RayCluster//demo"})
    EXPECT_EQ(find_object(status, nonsense).error().code, ErrorCode::InvalidInput) << nonsense;
}

TEST(Published, text_of_strangers_cannot_command_the_terminal) {
  StatusFacts hostile = facts();
  hostile.branch = hostile.hold_message = hostile.source_problem = k_hostile;
  hostile.hold_id = "1";
  for (ObjectStatus& object : hostile.objects) object.message = object.reason = k_hostile;
  hostile.objects[1].ray = Document(
      nlohmann::json{{k_hostile, {{k_hostile, k_hostile}}}, {"list", {{k_hostile}, k_hostile}}});
  hostile.objects[1].declared.path = k_hostile;
  hostile.diagnostics.push_back(
      {Severity::Error, k_hostile, 1, 1, k_hostile, k_hostile, k_hostile});
  EXPECT_TRUE(is_tame(overview(hostile))) << overview(hostile);
  EXPECT_TRUE(is_tame(about(hostile, "wrong"))) << about(hostile, "wrong");

  Tree forged = render_tree(facts());
  forged["errors/\x1b[2J.md"] = "## Line 1, column 1: \x1b[2J\xff\n* Found: \x1b]0;x\x07\n";
  forged["objects/\x1b[2J.json"] = "\x1b[2J";
  const auto status = read_tree(forged);
  ASSERT_TRUE(status);
  EXPECT_TRUE(is_tame(render_overview(*status, {})));
}

TEST(Published, object_files_that_cannot_be_understood_are_counted) {
  Tree tree = render_tree(facts());
  tree["objects/team-a/raycluster/wrong.json"] = "{";
  tree["objects/team-a/raycluster/other.json"] = R"({"kind": "Other"})";
  const auto status = read_tree(tree);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->objects.size(), 3U);
  EXPECT_NE(render_overview(*status, {})
                .find("2 files of the branch cannot be understood, "
                      "objects/team-a/raycluster/other.json first"),
            std::string::npos);
}

TEST(Published, values_of_another_type_are_left_out) {
  Tree tree;
  tree["summary.json"] = R"({"apiVersion": "ray-gitops.io/v1alpha1", "kind": "Summary",
    "agent": 1, "source": [], "objects": -1, "phases": {"Ready": "many"}, "diagnostics": {}})";
  tree["objects/a.json"] = R"({"apiVersion": "ray-gitops.io/v1alpha1", "kind": "ObjectStatus",
    "object": {"kind": 1, "name": "x"}, "line": "3", "conditions": [1, {}], "ray": [1]})";
  const auto status = read_tree(tree);
  ASSERT_TRUE(status);
  EXPECT_TRUE(is_tame(render_overview(*status, {})));
  const auto found = find_object(*status, "x");
  ASSERT_TRUE(found);
  EXPECT_TRUE(is_tame(render_object(*status, **found, FinishedRuns{}, {})));
}

TEST(Published, a_branch_that_no_agent_wrote_is_refused) {
  EXPECT_EQ(read_tree({}).error().code, ErrorCode::NotFound);
  for (const char* summary : {"", "[]", "{}", R"({"apiVersion": "v2", "kind": "Summary"})"})
    EXPECT_EQ(read_tree({{"summary.json", summary}}).error().code, ErrorCode::InvalidInput);
}

TEST(Published, json_stays_what_it_is_and_is_safe_to_show) {
  const std::string plain = "{\n  \"b\": 1,\n  \"a\": [\n    \"x\"\n  ]\n}\n";
  EXPECT_EQ(*safe_json(plain), plain);
  const std::string hostile = "{\"a\": \"\xe2\x80\xae\xc2\x9b\x7f\\u001b\"}";
  const auto safe = safe_json(hostile);
  ASSERT_TRUE(safe);
  EXPECT_TRUE(std::all_of(safe->begin(), safe->end(), [](char byte) {
    return byte == '\n' || (byte >= ' ' && byte < '\x7f');
  })) << *safe;
  EXPECT_EQ(nlohmann::json::parse(*safe), nlohmann::json::parse(hostile));
  EXPECT_EQ(safe_json("\x1b[2J").error().code, ErrorCode::InvalidInput);
  EXPECT_FALSE(safe_json(std::string(100'000, '['))) << "too deep to be gone through";
}

TEST(Published, colour_is_of_the_state_only) {
  const std::string text = render_overview(published(facts()), {.columns_max = 0, .colour = true});
  EXPECT_NE(text.find("\x1b[31mBlocked\x1b[0m    RayCluster/team-a/wrong"), std::string::npos);
  EXPECT_NE(text.find("\x1b[32mReady\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace ray_gitops::status
