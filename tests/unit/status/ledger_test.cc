#include "reconcilers/status/ledger.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reconcilers/status/tree.h"

namespace ray_gitops::status {
namespace {

const ObjectKey k_train{Kind::RayJob, "team", "train"};

FinishedRuns runs() {
  return {{.run_hash = "v1:00",
           .stage = JobStage::Failed,
           .attempt = 3,
           .submission_id = "train-00112233-3",
           .reason = "JobFailed",
           .message = "Ray reports FAILED (exit code 7)",
           .finished_at = {1'767'323'045'000}},
          {.run_hash = "v1:01",
           .stage = JobStage::Stopped,
           .attempt = 1,
           .submission_id = "",
           .reason = "FileRemoved",
           .message = "its file was removed before it had ended",
           .finished_at = {1'767'326'645'000}}};
}

TEST(Ledger, has_a_file_for_each_job) {
  EXPECT_EQ(ledger_path(k_train), "ledger/team/train.json");
  EXPECT_EQ(ledger_path({Kind::RayJob, "Team", ".train"}), "ledger/~54eam/~2etrain.json");
  EXPECT_TRUE(is_ledger_path(ledger_path(k_train)));
  EXPECT_FALSE(is_ledger_path(object_path(k_train)));
}

TEST(Ledger, is_read_back_as_it_was_written) {
  const Result<FinishedRuns> read = read_ledger(render_ledger(k_train, runs()));
  ASSERT_TRUE(read.has_value()) << describe(read.error());
  EXPECT_EQ(*read, runs());
  EXPECT_EQ(render_ledger(k_train, *read), render_ledger(k_train, runs()));
  EXPECT_EQ(read_ledger(render_ledger(k_train, {})), FinishedRuns{});
}

TEST(Ledger, holds_as_many_runs_as_are_remembered) {
  FinishedRuns many(k_finished_runs_max, runs()[0]);
  for (std::size_t index = 0; index < many.size(); ++index)
    many[index].run_hash = "v1:" + std::to_string(1000 + index);
  EXPECT_EQ(read_ledger(render_ledger(k_train, many)), many);
}

TEST(Ledger, publishes_texts_that_are_short_and_harmless) {
  FinishedRuns hostile = runs();
  hostile[0].message = "\x1b[31m\xff" + std::string(5000, 'm');
  const std::string file = render_ledger(k_train, hostile);
  EXPECT_LT(file.size(), 3000U);
  EXPECT_EQ(file.find("u001b"), std::string::npos);
  const Result<FinishedRuns> read = read_ledger(file);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(render_ledger(k_train, *read), file);
}

// What cannot be read is unknown, not empty: a job must not run twice for it.
TEST(Ledger, refuses_whatever_it_does_not_understand) {
  const auto good = nlohmann::json::parse(render_ledger(k_train, runs()));
  const auto refused = [](const nlohmann::json& json) { return !read_ledger(json.dump()); };
  EXPECT_FALSE(refused(good));
  for (const char* content : {"", "{}", "[]", "null", "{\"runs\": []}", "\xff", "<<<<<<< HEAD\n"})
    EXPECT_FALSE(read_ledger(content).has_value()) << content;
  for (const char* name : {"apiVersion", "kind", "runs"}) {
    nlohmann::json broken = good;
    broken.erase(name);
    EXPECT_TRUE(refused(broken)) << name;
    broken[name] = 1;
    EXPECT_TRUE(refused(broken)) << name;
  }
  for (const auto& [name, value] : good["runs"][0].items()) {
    nlohmann::json broken = good;
    broken["runs"][1].erase(name);
    EXPECT_TRUE(refused(broken)) << name;
    broken["runs"][1][name] = nlohmann::json::array();
    EXPECT_TRUE(refused(broken)) << name;
  }
  nlohmann::json unfinished = good;
  unfinished["runs"][0]["result"] = "Submitting";
  EXPECT_TRUE(refused(unfinished));
}

}  // namespace
}  // namespace ray_gitops::status
