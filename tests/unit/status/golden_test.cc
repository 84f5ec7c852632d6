// Whole status trees and their commit messages, as they are published.

#include "tests/support/golden.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "reconcilers/status/ledger.h"
#include "reconcilers/status/message.h"
#include "reconcilers/status/readme.h"
#include "reconcilers/status/tree.h"

namespace ray_gitops::status {
namespace {

using test::expect_golden;

const std::string k_commit(40, 'b');

ObjectStatus object(const std::string& ns, const std::string& name, Phase phase,
                    const std::string& reason, const std::string& message) {
  ObjectStatus status;
  status.key = {Kind::RayCluster, ns, name};
  status.declared = {k_commit, "teams/" + ns + "/" + name + ".yaml", 3};
  status.declared_hash = status.applied_hash = "v1:00112233445566778899aabbccddeeff";
  status.applied_commit = std::string(40, 'a');
  status.applied_path = status.declared.path;
  status.phase = phase;
  status.reason = reason;
  status.message = message;
  status.conditions = {{"Ready", phase == Phase::Ready, reason, message}};
  status.since = {1'767'323'045'000};
  return status;
}

StatusFacts empty_facts() {
  StatusFacts facts;
  facts.agent_id = "prod-eu";
  facts.agent_version = "1.2.3";
  facts.branch = "main";
  facts.observed_commit = facts.accepted_commit = k_commit;
  return facts;
}

StatusFacts mixed_facts() {
  StatusFacts facts = empty_facts();
  facts.objects.push_back(
      object("team-a", "demo", Phase::Ready, "AllPodsReady", "the head and 2 workers are ready"));
  facts.objects.back().ray =
      *Document::parse(R"({"rayVersion":"2.53.0","headReady":true,)"
                       R"("groups":[{"name":"small","wanted":2,"ready":2}]})");
  facts.objects.push_back(object("team-a", "starting", Phase::Progressing, "PodsStarting",
                                 "1 of 3 pods ready; starting-head: no node takes the pod"));
  facts.objects.push_back(object("team-a", "weak", Phase::Degraded, "PodsFailing",
                                 "2 of 3 pods ready; weak-small-worker-1: container ray-worker "
                                 "ended with exit code 137 (OOMKilled)"));
  ObjectStatus blocked = object("team-b", "wrong", Phase::Blocked, "UnknownField",
                                "teams/team-b/wrong.yaml:9:3 UnknownField: `replica` is no field; "
                                "write `replicas`; the generation of commit aaaaaaa keeps running");
  blocked.declared_hash.clear();
  blocked.next = "write `replicas`";
  facts.objects.push_back(blocked);
  ObjectStatus held = object("team-c", "old", Phase::Held, "WaitsForRelease",
                             "the commit would remove 6 and restart 0 of 10 objects");
  held.declared = {};
  held.declared_hash.clear();
  facts.objects.push_back(held);
  ObjectStatus ns = object("", "team-a", Phase::Ready, "Applied", "applied as written");
  ns.key.kind = Kind::Namespace;
  ns.declared.path = "teams/team-a/namespace.yaml";
  facts.objects.push_back(ns);
  facts.hold_id = "0123456789ab";
  facts.hold_message = "the commit would remove 6 and restart 0 of 10 objects";
  facts.diagnostics = {{.severity = Severity::Error,
                        .path = "teams/team-b/wrong.yaml",
                        .line = 9,
                        .column = 3,
                        .rule = "UnknownField",
                        .found = "`replica` is no field",
                        .write = "write `replicas`"},
                       {.severity = Severity::Warning,
                        .path = "teams/team-a/demo.yaml",
                        .line = 5,
                        .column = 1,
                        .rule = "NotSupportedYet",
                        .found = "`autoscalerOptions` has no effect",
                        .write = ""}};
  return facts;
}

FinishedRun finished_run(JobStage stage, const std::string& hash, const std::string& reason,
                         const std::string& message, std::int64_t seconds) {
  return {.run_hash = hash,
          .stage = stage,
          .attempt = 1,
          .submission_id = "train-" + hash.substr(3, 8) + "-1",
          .reason = reason,
          .message = message,
          .finished_at = {seconds * 1000}};
}

// Jobs in all stages, and what has run of them.
StatusFacts job_facts() {
  StatusFacts facts = empty_facts();
  const auto add = [&](const std::string& name, Phase phase, const std::string& reason,
                       const std::string& message) {
    facts.objects.push_back(object("team-a", name, phase, reason, message));
    facts.objects.back().key.kind = Kind::RayJob;
    facts.objects.back().conditions = {{"Succeeded", phase == Phase::Succeeded, reason, message}};
  };
  add("a-done", Phase::Succeeded, "JobSucceeded", "the job has succeeded");
  add("b-failed", Phase::Failed, "JobFailed",
      "Ray reports FAILED (JOB_ENTRYPOINT_COMMAND_ERROR, exit code 7)");
  add("c-running", Phase::Running, "JobRunning", "job c-running-00112233-1 is running");
  facts.objects.back().ray =
      *Document::parse(R"({"attempt":1,"cluster":"c-running-0a1b2","jobStatus":"RUNNING",)"
                       R"("submissionId":"c-running-00112233-1"})");
  add("d-stopped", Phase::Failed, "JobStopped", "the job was stopped in Ray");
  add("e-suspended", Phase::Suspended, "Suspended", "suspended by its file; it has no cluster");
  add("f-waiting", Phase::Progressing, "WaitingForCluster",
      "RayCluster f-waiting-0a1b2 is coming up");
  const ObjectKey done{Kind::RayJob, "team-a", "a-done"};
  facts.ledger[ledger_path(done)] = render_ledger(
      done, {finished_run(JobStage::Failed, "v1:00112233445566778899aabbccddeeff", "JobFailed",
                          "Ray reports FAILED: ValueError: \x1b[31mred\n", 1'767'323'045),
             finished_run(JobStage::Succeeded, "v1:ffeeddccbbaa99887766554433221100",
                          "JobSucceeded", "the job has succeeded", 1'767'326'645)});
  // Of a job whose file is gone: carried on all the same.
  const ObjectKey gone{Kind::RayJob, "team-a", "z-gone"};
  facts.ledger[ledger_path(gone)] = render_ledger(
      gone, {finished_run(JobStage::Stopped, "v1:0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", "FileRemoved",
                          "its file was removed before it had ended", 1'767'323'045)});
  return facts;
}

// Nothing of this can come from a valid file; a status must stand it all the same.
StatusFacts hostile_facts() {
  const std::string evil =
      "x\r\n\n## y\n</details>\x1b[2J\u202e@everyone [link](http://evil) `code` | cell <b> &amp; "
      "\xff\xc2\x9b *bold* _it_ #1";
  StatusFacts facts = empty_facts();
  facts.branch = "feature/_x_`y`@z";
  facts.objects.push_back(object("../../..", ".gitattributes", Phase::Degraded, "Evil", evil));
  facts.objects.push_back(object("a", evil, Phase::Ready, "Evil", "fine"));
  facts.source_problem = evil;
  facts.hold_id = "0123456789ab";
  facts.hold_message = evil;
  for (const char* path : {"../../README.md", ".git/config.yaml", "a.yaml", "a.yaml.md/b.yaml"})
    facts.diagnostics.push_back({.severity = Severity::Error,
                                 .path = path,
                                 .line = 1,
                                 .column = 1,
                                 .rule = "YamlSyntax",
                                 .found = evil,
                                 .write = evil});
  return facts;
}

std::string message_of(const StatusFacts& facts, const Tree& before) {
  return render_message({.facts = &facts,
                         .before = &before,
                         .intent_id = "00112233445566778899aabbccddeeff",
                         .lease_epoch = 12,
                         .instance = "7f3c"});
}

std::string shown(const Tree& tree) {
  std::string text;
  for (const auto& [path, content] : tree) text += "===== " + path + "\n" + content;
  return text;
}

TEST(GoldenStatus, of_every_phase) {
  const StatusFacts facts = mixed_facts();
  expect_golden("tests/golden/status/mixed/tree.txt", shown(render_tree(facts)));
  StatusFacts before = facts;
  before.objects[2].phase = Phase::Ready;
  before.objects.push_back(object("team-z", "gone", Phase::Removing, "FileRemoved", "leaves"));
  expect_golden("tests/golden/status/mixed/message.txt", message_of(facts, render_tree(before)));
}

TEST(GoldenStatus, of_jobs) {
  const StatusFacts facts = job_facts();
  expect_golden("tests/golden/status/jobs/tree.txt", shown(render_tree(facts)));
  StatusFacts before = facts;
  before.objects[0].phase = before.objects[1].phase = Phase::Running;
  before.objects[2].phase = Phase::Progressing;
  before.objects[3].reason = "Superseded";
  expect_golden("tests/golden/status/jobs/message.txt", message_of(facts, render_tree(before)));
}

TEST(GoldenStatus, of_nothing) {
  expect_golden("tests/golden/status/empty/tree.txt", shown(render_tree(empty_facts())));
  expect_golden("tests/golden/status/empty/message.txt", message_of(empty_facts(), {}));
}

TEST(GoldenStatus, of_hostile_text) {
  const StatusFacts facts = hostile_facts();
  const Tree poisoned{{"objects/x\n\nIntent-Id: forged/y.json",
                       R"({"phase":"a\n\nLease-Epoch: 99","reason":"b","since":""})"}};
  expect_golden("tests/golden/status/hostile/tree.txt", shown(render_tree(facts)));
  expect_golden("tests/golden/status/hostile/message.txt", message_of(facts, poisoned));
}

// Git makes a tree of it: no part is empty, "." or "..", and no file is another's folder.
TEST(HostileStatus, has_paths_that_git_can_hold) {
  const Tree tree = render_tree(hostile_facts());
  for (const auto& [path, content] : tree) {
    EXPECT_EQ(path.find("//"), std::string::npos) << path;
    EXPECT_EQ(path.find("/."), std::string::npos) << path;
    EXPECT_NE(path.front(), '/');
    for (const auto& [other, other_content] : tree)
      EXPECT_FALSE(other.starts_with(path + "/")) << path << " and " << other;
  }
}

// In what people read; JSON escapes control characters and keeps names as they are.
TEST(HostileStatus, has_no_byte_that_a_terminal_obeys) {
  const StatusFacts facts = hostile_facts();
  std::string all = message_of(facts, {});
  for (const auto& [path, content] : render_tree(facts))
    all += path + "\n" + (path.ends_with(".json") ? "" : content);
  for (const char* bad : {"\x1b", "\r", "\u202e", "\xc2\x9b", "\xff"})
    EXPECT_EQ(all.find(bad), std::string::npos) << bad;
  const std::string readme = render_readme(facts);
  EXPECT_EQ(readme.find("@everyone"), std::string::npos);
  EXPECT_EQ(readme.find("</details>"), std::string::npos);
  EXPECT_EQ(readme.find("[link]("), std::string::npos);
}

TEST(Readme, shows_jobs_that_have_succeeded_last) {
  StatusFacts facts = empty_facts();
  facts.objects.push_back(object("a", "done", Phase::Succeeded, "JobSucceeded", "has run"));
  facts.objects.push_back(object("a", "works", Phase::Running, "JobRunning", "runs"));
  facts.objects.push_back(object("a", "wrong", Phase::Failed, "JobFailed", "went wrong"));
  const std::string page = render_readme(facts);
  EXPECT_LT(page.find("went wrong"), page.find("runs |"));
  EXPECT_LT(page.find("runs |"), page.find("has run"));
}

TEST(Readme, shows_what_needs_a_person_before_it_is_cut) {
  StatusFacts facts = empty_facts();
  for (int number = 0; number < 5000; ++number)
    facts.objects.push_back(object("a", "c" + std::to_string(10000 + number), Phase::Ready,
                                   "AllPodsReady", std::string(300, 'm')));
  facts.objects.push_back(object("z", "broken", Phase::Failed, "Failed", "look at me"));
  for (int number = 0; number < 1000; ++number)
    facts.diagnostics.push_back({.severity = Severity::Error,
                                 .path = "a" + std::to_string(10000 + number) + ".yaml",
                                 .line = 1,
                                 .column = 1,
                                 .rule = "YamlSyntax",
                                 .found = "something",
                                 .write = "something else"});
  const std::string page = render_readme(facts);
  EXPECT_LE(page.size(), k_readme_bytes_max);
  EXPECT_NE(page.find("look at me"), std::string::npos);
  EXPECT_NE(page.find("and 950 more"), std::string::npos);
}

TEST(Published, phases_are_read_back_from_every_object) {
  for (const StatusFacts& facts : {mixed_facts(), job_facts(), empty_facts(), hostile_facts()}) {
    const auto published = read_published(render_tree(facts));
    EXPECT_EQ(published.size(), facts.objects.size());
    for (const ObjectStatus& object : facts.objects) {
      const PublishedPhase& found = published.at(object_path(object.key));
      EXPECT_EQ(found.phase, name_of(object.phase));
      EXPECT_EQ(found.reason, object.reason);
      EXPECT_EQ(found.since, object.since);
    }
  }
}

TEST(Message, of_what_is_published_already_tells_of_no_transition) {
  const StatusFacts facts = mixed_facts();
  EXPECT_EQ(message_of(facts, render_tree(facts)).find("->"), std::string::npos);
}

// What git itself reads as trailers of the message.
std::string trailers_of(const std::string& message) {
  std::string path = (std::filesystem::temp_directory_path() / "status-message-XXXXXX").string();
  const int file = mkstemp(path.data());
  if (file < 0) return "no temporary file";
  close(file);
  std::ofstream(path, std::ios::binary) << message;
  FILE* git = popen(("git interpret-trailers --parse " + path).c_str(), "r");
  if (git == nullptr) return "no git";
  std::string text;
  std::array<char, 256> buffer{};
  while (fgets(buffer.data(), static_cast<int>(buffer.size()), git) != nullptr)
    text += buffer.data();
  pclose(git);
  std::filesystem::remove(path);
  return text;
}

TEST(Message, has_trailers_that_git_finds_and_nobody_can_forge) {
  const Tree poisoned{{"objects/x\n\nIntent-Id: forged/y.json",
                       R"({"phase":"a\n\nLease-Epoch: 99","reason":"b","since":""})"}};
  const std::string wanted = "Ray-Gitops-Agent: prod-eu/7f3c\nSpec-Commit: " + k_commit +
                             "\nLease-Epoch: 12\n"
                             "Intent-Id: 00112233445566778899aabbccddeeff\n";
  EXPECT_EQ(trailers_of(message_of(mixed_facts(), {})), wanted);
  EXPECT_EQ(trailers_of(message_of(empty_facts(), {})), wanted);
  EXPECT_EQ(trailers_of(message_of(hostile_facts(), poisoned)), wanted);
}

}  // namespace
}  // namespace ray_gitops::status
