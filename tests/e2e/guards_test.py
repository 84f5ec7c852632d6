"""Unknown is not absent: what looks like the end of everything is held, and can be released."""

from repository import git
from world import END_SECONDS_MAX, STATUS_SECONDS_MAX, Story, cluster_yaml, stays, wait_for

FILE = "clusters/ray.yaml"


class Guards(Story):
    agent_id = "guards"

    def setUp(self):
        if not self.agent.is_running():
            self.agent.start()
        self.repository.write(FILE, cluster_yaml("ray"))
        self.commit = self.push("Good")
        self.before = self.wait_for_pods("ray")
        self.wait_for_status("ray", "Ready", self.commit)

    def assert_held_back(self, seconds=5):
        stays(lambda: set(self.pods("ray")) == set(self.before), seconds, "the pods")
        self.assert_untouched("ray", self.before)

    def release(self, hold, message):
        self.assertRegex(hold["message"], "Ray-Gitops-Release")
        return self.push(f"{message}\n\nRay-Gitops-Release: {hold['id']}")

    def test_an_emptied_folder_is_held_until_it_is_released(self):
        self.repository.remove(FILE)
        self.repository.write("README.md", "nothing is watched any more")
        self.push("Emptied")
        hold = self.wait_for_hold()
        self.assertIn(hold["id"], self.repository.status_file("README.md"))
        self.assert_held_back()
        # Another commit without the trailer, or with a wrong one, releases nothing.
        self.push("Nothing\n\nRay-Gitops-Release: 000000000000")
        self.assert_held_back(2)
        self.release(hold, "Yes, all of it")
        wait_for(lambda: not self.pods("ray"), END_SECONDS_MAX, "the removal")

    def test_an_unreachable_repository_changes_nothing(self):
        away = self.repository.path.with_name("away.git")
        self.repository.path.rename(away)
        try:
            before = len(self.agent.log())
            self.agent.wake()
            wait_for(lambda: "repository" in self.agent.log()[before:], STATUS_SECONDS_MAX,
                     "a line about the repository in the log")
            self.assert_held_back()
            # Also for an agent that starts without it.
            self.agent.kill()
            self.agent.start()
            self.assert_held_back()
        finally:
            away.rename(self.repository.path)
        commit = self.push("Back again")
        self.wait_for_status("ray", "Ready", commit)
        self.assert_untouched("ray", self.before)

    def test_a_rewound_history_is_held(self):
        self.repository.write("clusters/second.yaml", cluster_yaml("second"))
        later = self.push("A second cluster")
        self.wait_for_pods("second")
        self.wait_for_status("second", "Ready", later)
        self.repository.reset(self.commit)
        self.repository.push_as_it_is(force=True)
        self.agent.wake()
        hold = self.wait_for_hold()
        self.assertEqual(later, self.repository.summary()["source"]["acceptedCommit"])
        stays(lambda: set(self.pods("second")) == {"second-head"}, 5, "the second cluster")
        self.assert_held_back(1)
        released = self.release(hold, "The second cluster was a mistake")
        wait_for(lambda: not self.pods("second"), END_SECONDS_MAX, "the second cluster's end")
        self.wait_for_status("ray", "Ready", released)
        self.assert_untouched("ray", self.before)

    def test_an_unrelated_history_is_held(self):
        git(self.repository.work, "checkout", "--quiet", "--orphan", "unrelated")
        self.repository.remove(FILE)
        self.repository.write("clusters/stranger.yaml", cluster_yaml("stranger"))
        self.push("Another history", force=True)
        hold = self.wait_for_hold()
        self.assert_held_back()
        self.assertEqual({}, self.pods("stranger"))
        # Back to where it was: a commit on top of the accepted one ends the hold.
        self.repository.reset(self.commit)
        self.repository.push_as_it_is(force=True)
        self.agent.wake()
        wait_for(lambda: "hold" not in self.repository.summary(), STATUS_SECONDS_MAX,
                 f"the end of hold {hold['id']}")
        self.assert_untouched("ray", self.before)
