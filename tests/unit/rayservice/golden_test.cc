// Stories: every plan on the way, as the log and the command line show it.

#include "tests/support/golden.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/rayservice/service_world.h"

namespace ray_gitops::test {
namespace {

constexpr int k_steps_max = 100;

// Steps until a plan has nothing to do but to wait, and what it said on the way.
class Story {
 public:
  explicit Story(const ServiceFile& file) : world(file) {}

  void tell(const std::string& title, const std::string& until) {
    text_ += "# " + title + "\n";
    std::string before;
    for (int step = 0; step < k_steps_max; ++step) {
      const Plan plan = world.step();
      const std::string shown = render(plan);
      if (shown != before) text_ += shown;
      before = shown;
      if (plan.reason == until && plan.actions.empty() && plan.retirements.empty()) return;
    }
    ADD_FAILURE() << title << " never comes to " << until;
  }
  void rest(const std::string& title) {
    text_ += "# " + title + "\n" + said(settle(world));
    text_ += "ray " + world.plan().ray.canonical() + "\n";
  }
  void expect(const std::string& name) const {
    expect_golden("tests/golden/rayservice/" + name + ".txt", text_);
  }

  ServiceWorld world;

 private:
  std::string text_;
};

TEST(GoldenStory, a_service_comes_up_and_is_upgraded) {
  Story story({});
  story.tell("the file arrives", "NonZeroServeEndpoints");
  story.world.file = declare({.config = "2"});
  story.tell("another Serve configuration", "NonZeroServeEndpoints");
  story.world.file = declare({.head = "2", .config = "3"});
  story.tell("another cluster", "NonZeroServeEndpoints");
  story.world.pass(std::chrono::seconds(60));
  story.rest("a minute later");
  story.expect("upgrade");
}

TEST(GoldenStory, an_upgrade_fails_and_is_taken_back) {
  Story story({});
  story.tell("the file arrives", "NonZeroServeEndpoints");
  story.world.file = declare({.head = "2", .config = "bad"});
  story.tell("an application that does not deploy", "ApplicationFailed");
  story.rest("for as long as nobody acts");
  story.world.file = declare({});
  story.tell("the commit is reverted", "NonZeroServeEndpoints");
  story.rest("afterwards");
  story.expect("failed_upgrade");
}

TEST(GoldenStory, a_service_loses_its_head_and_is_suspended_and_removed) {
  Story story({});
  story.tell("the file arrives", "NonZeroServeEndpoints");
  story.world.replace_head(story.world.active());
  story.tell("its head is lost", "Deploying");
  story.tell("it serves again", "NonZeroServeEndpoints");
  story.world.file = declare({.fields = "  suspend: true\n"});
  story.tell("it is suspended", "Suspended");
  story.world.file = declare({});
  story.tell("it is resumed", "NonZeroServeEndpoints");
  story.world.file.reset();
  story.tell("its file is removed", "FileRemoved");
  story.rest("afterwards");
  story.expect("life");
}

}  // namespace
}  // namespace ray_gitops::test
