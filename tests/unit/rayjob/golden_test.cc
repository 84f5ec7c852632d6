// Stories: every plan on the way, as the log and the command line show it.

#include "tests/support/golden.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/rayjob/job_world.h"

namespace ray_gitops::test {
namespace {

constexpr int k_steps_max = 100;

// Steps until a plan has nothing to do but to wait, and what it said on the way.
class Story {
 public:
  explicit Story(Declaration file) : world(std::move(file)) {}

  void tell(const std::string& title, const std::string& until) {
    text_ += "# " + title + "\n";
    std::string before;
    for (int step = 0; step < k_steps_max; ++step) {
      const Plan plan = world.step();
      const std::string shown = render(plan);
      if (shown != before) text_ += shown;
      before = shown;
      if (plan.reason == until && plan.actions.empty()) return;
    }
    ADD_FAILURE() << title << " never comes to " << until;
  }
  void rest(const std::string& title) {
    text_ += "# " + title + "\n" + render(settle(world));
    text_ += "ray " + world.plan().ray.canonical() + "\n";
  }
  void expect(const std::string& name) const {
    expect_golden("tests/golden/rayjob/" + name + ".txt", text_);
  }

  JobWorld world;

 private:
  std::string text_;
};

TEST(GoldenStory, a_job_succeeds_and_its_cluster_leaves) {
  Story story(own_job("  shutdownAfterJobFinishes: true\n"));
  story.tell("the file arrives", "JobPending");
  story.world.unfinished_job()->status = RayJobStatus::Running;
  story.tell("Ray starts it", "JobRunning");
  story.world.unfinished_job()->status = RayJobStatus::Succeeded;
  story.tell("it ends", "JobSucceeded");
  story.rest("afterwards");
  story.expect("success");
}

TEST(GoldenStory, a_job_fails_and_is_tried_again) {
  Story story(own_job("  backoffLimit: 1\n"));
  story.tell("the file arrives", "JobPending");
  story.world.unfinished_job()->driver_exit_code = 7;
  story.world.unfinished_job()->message = "ValueError: no such column";
  story.world.unfinished_job()->status = RayJobStatus::Failed;
  story.tell("it fails", "WaitingForCluster");
  story.tell("a further attempt", "JobPending");
  story.world.replace_head();
  story.tell("the second head is lost", "HeadLost");
  story.rest("afterwards");
  story.expect("failure");
}

TEST(GoldenStory, a_job_is_suspended_and_resumed_and_removed) {
  Story story(own_job("  shutdownAfterJobFinishes: true\n"));
  story.tell("the file arrives", "JobPending");
  story.world.file = own_job("  shutdownAfterJobFinishes: true\n  suspend: true\n");
  story.tell("it is suspended", "Suspended");
  story.world.file = own_job("  shutdownAfterJobFinishes: true\n");
  story.tell("it is resumed", "JobPending");
  story.world.file.reset();
  story.tell("its file is removed", "FileRemoved");
  story.rest("afterwards");
  story.expect("suspension");
}

TEST(GoldenStory, a_job_on_a_shared_cluster_misses_its_deadline) {
  Story story(job_on_shared("  activeDeadlineSeconds: 600\n"));
  story.world.step();
  story.tell("its cluster is not there", "WaitingForCluster");
  story.world.add_shared_cluster();
  story.tell("the cluster appears", "JobPending");
  story.world.unfinished_job()->status = RayJobStatus::Running;
  story.tell("Ray starts it", "JobRunning");
  story.world.head_is_silent = true;
  story.tell("its head is silent", "HeadSilent");
  story.world.head_is_silent = false;
  story.world.pass(std::chrono::minutes(10));
  story.world.file = job_on_shared("", "2");
  story.tell("the deadline passes, and the file declares another run", "DeadlineExceeded");
  story.tell("the other run", "JobPending");
  story.expect("deadline");
}

}  // namespace
}  // namespace ray_gitops::test
