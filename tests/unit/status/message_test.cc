#include "reconcilers/status/message.h"

#include <string>

#include <gtest/gtest.h>

namespace ray_gitops::status {
namespace {

ObjectStatus object(const std::string& name, Phase phase, const std::string& reason) {
  ObjectStatus status;
  status.key = {Kind::RayCluster, "default", name};
  status.phase = phase;
  status.reason = reason;
  return status;
}

StatusFacts facts(Phase phase) {
  StatusFacts facts;
  facts.agent_id = "blue";
  facts.observed_commit = "1a2b3c4d" + std::string(32, '0');
  facts.objects = {object("demo", phase, "Because")};
  return facts;
}

std::string message(const StatusFacts& now, const Tree& before) {
  return render_message({.facts = &now,
                         .before = &before,
                         .intent_id = "abcd",
                         .lease_epoch = 12,
                         .instance = "host-1"});
}

TEST(StatusMessage, has_counts_transitions_and_trailers) {
  const StatusFacts before = facts(Phase::Progressing);
  EXPECT_EQ(message(facts(Phase::Ready), render_tree(before)),
            "status(blue): 1 ready @ 1a2b3c4\n"
            "\n"
            "RayCluster/default/demo: Progressing -> Ready (Because)\n"
            "\n"
            "[skip ci]\n"
            "\n"
            "Ray-Gitops-Agent: blue/host-1\n"
            "Spec-Commit: 1a2b3c4d" +
                std::string(32, '0') +
                "\n"
                "Lease-Epoch: 12\n"
                "Intent-Id: abcd\n");
}

TEST(StatusMessage, begins_with_the_results_of_jobs_that_are_new) {
  StatusFacts before = facts(Phase::Ready);
  before.objects.push_back(object("train", Phase::Running, "JobRunning"));
  before.objects.push_back(object("tune", Phase::Succeeded, "JobSucceeded"));
  before.objects.push_back(object("wrong", Phase::Failed, "JobFailed"));
  for (ObjectStatus& status : before.objects)
    if (status.key.name != "demo") status.key.kind = Kind::RayJob;
  StatusFacts after = before;
  after.objects[0].phase = Phase::Degraded;
  after.objects[1].phase = Phase::Succeeded;
  after.objects[3].reason = "Superseded";
  const std::string text = message(after, render_tree(before));
  EXPECT_TRUE(text.starts_with(
      "status(blue): 1 job succeeded; 2 succeeded, 1 degraded, 1 failed @ 1a2b3c4\n\n"
      "RayJob/default/train: Running -> Succeeded (JobRunning)\n"
      "RayCluster/default/demo: Ready -> Degraded (Because)\n"))
      << text;
}

TEST(StatusMessage, names_what_is_new_and_what_has_gone) {
  StatusFacts before = facts(Phase::Ready);
  StatusFacts after = facts(Phase::Ready);
  after.objects[0].key.name = "next";
  const std::string text = message(after, render_tree(before));
  EXPECT_NE(text.find("RayCluster/default/next: new -> Ready"), std::string::npos);
  EXPECT_NE(text.find("demo.json: Ready -> gone"), std::string::npos);
}

TEST(StatusMessage, lists_the_first_transitions_and_counts_the_rest) {
  StatusFacts many = facts(Phase::Ready);
  for (int number = 0; number < 999; ++number)
    many.objects.push_back(object("c" + std::to_string(number), Phase::Ready, "AllPodsReady"));
  const std::string text = message(many, {});
  EXPECT_LE(text.size(), 8192U);
  EXPECT_NE(text.find("... and 980 more"), std::string::npos);
}

TEST(StatusMessage, a_hostile_name_stays_on_its_line) {
  StatusFacts hostile = facts(Phase::Ready);
  hostile.objects[0].key.name = "x\n\nIntent-Id: forged";
  const std::string text = message(hostile, {});
  EXPECT_EQ(text.find("\nIntent-Id: forged"), std::string::npos);
}

}  // namespace
}  // namespace ray_gitops::status
