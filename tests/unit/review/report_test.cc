#include "agent/review/report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace ray_gitops::review::test {
namespace {

ObjectPlan unchanged(const std::string& name, Phase phase) {
  ObjectPlan plan;
  plan.now.key = {Kind::RayCluster, "team", name};
  plan.now.declared = {"c2", "teams/" + name + ".yaml", 3};
  plan.left_in = phase;
  plan.left_reason = "Because";
  plan.left_message = "it is so";
  return plan;
}

ObjectPlan changed(const std::string& name, std::size_t pods) {
  ObjectPlan plan = unchanged(name, Phase::Ready);
  plan.change = Change::Change;
  plan.now.phase = Phase::Applying;
  plan.now.reason = "DocumentChanged";
  plan.now.message = "its document changed";
  for (std::size_t pod = 0; pod < pods; ++pod)
    plan.deeds.emplace_back(
        Action{.verb = Verb::Create,
               .target = {ResourceType::Pod, "team", name + std::to_string(pod)},
               .body = {},
               .preconditions = {},
               .wave = 0,
               .reason = "it is missing"});
  return plan;
}

Report report_of(std::vector<ObjectPlan> objects) {
  Report report;
  report.agent_id = "prod";
  report.subject = "branch main";
  report.commit = "1234567890";
  report.accepted_commit = "abcdefabcdef";
  report.objects = std::move(objects);
  return report;
}

TEST(ReportText, says_what_changes_and_sums_up_the_rest) {
  Report report = report_of({changed("ray", 1), unchanged("one", Phase::Ready),
                             unchanged("two", Phase::Ready), unchanged("bad", Phase::Blocked)});
  report.objects[0].restarts = 2;
  EXPECT_EQ(render_text(report, false),
            "prod: plan of branch main at commit 1234567; commit abcdefa is acted on now\n"
            "\n"
            "~ RayCluster/team/ray (teams/ray.yaml:3)\n"
            "  Applying DocumentChanged: its document changed\n"
            "    create Pod/team/ray0: it is missing\n"
            "  then Ready Because: it is so\n"
            "\n"
            "! RayCluster/team/bad (teams/bad.yaml:3)\n"
            "  Blocked Because: it is so\n"
            "\n"
            "2 objects unchanged: 2 Ready\n"
            "\n"
            "0 to create, 1 to change, 0 to delete, 2 restarts\n");
}

TEST(ReportText, names_what_is_held_wrong_and_not_seen) {
  Report report = report_of({});
  report.hold_id = "0123456789ab";
  report.hold_message = "the commit would remove 6";
  report.unseen = {"Pod/team/ray-head does not answer from here: no route"};
  report.complete = false;
  report.diagnostics = {{Severity::Error, "a.yaml", 3, 4, "UnknownField", "no field", "write it"},
                        {Severity::Warning, "b.yaml", 1, 1, "NotSupportedYet", "idle", ""}};
  EXPECT_EQ(
      render_text(report, false),
      "prod: plan of branch main at commit 1234567; commit abcdefa is acted on now\n"
      "Held (0123456789ab): the commit would remove 6\n"
      "Not seen: Pod/team/ray-head does not answer from here: no route; what depends on it is not "
      "in this plan\n"
      "The plan is cut off: more would be done than is looked ahead for\n"
      "2 diagnostics:\n"
      "  a.yaml:3:4 UnknownField: no field; write it\n"
      "  warning: b.yaml:1:1 NotSupportedYet: idle\n"
      "\n"
      "nothing to do; 1 error; held: 0123456789ab\n");
  EXPECT_TRUE(has_problems(report));
}

TEST(ReportText, many_actions_of_one_object_are_folded) {
  const std::string text = render_text(report_of({changed("ray", 60)}), false);
  EXPECT_NE(text.find("    and 10 more\n"), std::string::npos);
  EXPECT_EQ(text.find("ray55"), std::string::npos);
}

TEST(ReportText, commands_no_terminal) {
  Report report = report_of({changed("ray", 0)});
  report.objects[0].now.message = "\x1b[2J\nforged";
  EXPECT_NE(render_text(report, false).find("\\x1b[2J"), std::string::npos);
  EXPECT_EQ(render_text(report, false).find('\x1b'), std::string::npos);
  EXPECT_NE(render_text(report, true).find("\x1b[33m~ RayCluster/team/ray\x1b[0m"),
            std::string::npos);
}

TEST(ReportJson, has_all_actions_and_is_ascii) {
  Report report = report_of({changed("ray", 60), unchanged("one", Phase::Ready)});
  report.objects[0].now.message = "größer";
  const std::string text = render_json(report);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["kind"], "Plan");
  EXPECT_EQ(json["source"]["acceptedCommit"], "abcdefabcdef");
  EXPECT_EQ(json["objects"][0]["actions"].size(), 60U);
  EXPECT_EQ(json["objects"][0]["message"], "größer");
  EXPECT_EQ(json["objects"][0]["then"]["phase"], "Ready");
  EXPECT_EQ(json["objects"][1]["change"], "none");
  EXPECT_EQ(json["summary"]["change"], 1);
  EXPECT_EQ(json["summary"]["unchanged"], 1);
  for (const char letter : text) EXPECT_GE(letter, 0);
}

}  // namespace
}  // namespace ray_gitops::review::test
