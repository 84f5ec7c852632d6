"""What a bad commit may never do: delete, or stop what runs."""

from kubernetes import uids
from world import (END_SECONDS_MAX, STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, stays,
                   wait_for)

FILE = "clusters/ray.yaml"
GOOD = cluster_yaml("ray", group_yaml("w", 1))
MISSPELT = GOOD.replace("      replicas: 1", "      replicass: 1")
# Not even YAML: nobody can tell what it declares.
UNREADABLE = "apiVersion: ray.io/v1\nkind: RayCluster\n  metadata: {name: ray\n"


class BadCommits(Story):
    agent_id = "bad-commits"

    def setUp(self):
        """From whatever the test before left to the good state."""
        if not self.agent.is_running():
            self.agent.start()
        for path in self.repository.work.glob("clusters/**/*.yaml"):
            path.unlink()
        self.repository.write(FILE, GOOD)
        commit = self.push("Good")
        self.before = self.wait_for_pods("ray", 1)
        self.wait_for_status("ray", "Ready", commit)

    def break_it(self, text):
        self.repository.write(FILE, text)
        commit = self.push("Broken")
        self.wait_for_observed(commit)

    def test_a_wrong_field_is_reported_with_line_and_column(self):
        self.break_it(MISSPELT)
        line = MISSPELT[:MISSPELT.index("replicass")].count("\n") + 1
        report = wait_for(lambda: self.repository.status_file("errors/clusters/ray.yaml.md"),
                          STATUS_SECONDS_MAX, "an error file")
        self.assertIn(f"Line {line}, column 7", report)
        self.assertIn("replicass", report)
        status = self.status("ray")
        self.assertEqual("Blocked", status["phase"])
        self.assertNotEqual(status["spec"]["commit"], status["applied"]["commit"])
        self.assert_untouched("ray", self.before)

    def test_the_last_good_one_runs_on_through_a_killed_agent_and_a_lost_worker(self):
        self.break_it(MISSPELT)
        self.agent.kill()
        worker, = set(self.before) - {"ray-head"}
        lost = self.before[worker]["metadata"]["uid"]
        self.api.delete("pods", self.namespace, worker, grace=0)
        wait_for(lambda: lost not in uids(self.pods("ray")).values(), END_SECONDS_MAX,
                 "the worker's end")
        self.agent.start()
        # From the last good generation.
        after = self.wait_for_pods("ray", 1)
        self.assertEqual(uids(self.before)["ray-head"], uids(after)["ray-head"])

    def test_an_unreadable_file_deletes_nothing(self):
        self.break_it(UNREADABLE)
        self.assertIn("errors/clusters/ray.yaml.md", self.repository.status_files())
        stays(lambda: set(self.pods("ray")) == set(self.before), 5, "the pods")
        self.assert_untouched("ray", self.before)

    def test_moved_and_broken_in_one_commit_deletes_nothing(self):
        self.repository.remove(FILE)
        self.repository.write("clusters/new/place.yaml", UNREADABLE)
        commit = self.push("Moved and broken")
        self.wait_for_observed(commit)
        self.assertIn("place.yaml", self.repository.status_file("README.md"))
        stays(lambda: set(self.pods("ray")) == set(self.before), 5, "the pods")
        self.assert_untouched("ray", self.before)

    def test_the_same_object_in_two_files_changes_nothing(self):
        self.repository.write("clusters/twin.yaml", GOOD.replace("replicas: 1", "replicas: 3"))
        commit = self.push("A twin")
        self.wait_for_observed(commit)
        self.assertEqual("Blocked", self.status("ray")["phase"])
        stays(lambda: set(self.pods("ray")) == set(self.before), 3, "the pods")
        self.assert_untouched("ray", self.before)
