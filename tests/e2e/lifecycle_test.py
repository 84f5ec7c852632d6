"""A cluster's life: it comes up from a push, scales, restarts group by group, and goes."""

from world import (END_SECONDS_MAX, PODS_SECONDS_MAX, ROOT, STATUS_SECONDS_MAX, Story, cluster_yaml,
                   group_yaml, stays, wait_for)
from kubernetes import uids

FILE = "clusters/first-cluster/raycluster.yaml"
HEAD = "first-cluster-head"
WORKERS = ["first-cluster-workers-worker-0", "first-cluster-workers-worker-1"]


class Lifecycle(Story):
    """Steps of one story, in order of their names."""

    agent_id = "lifecycle"

    def edit(self, before, after):
        text = self.repository.read(FILE)
        self.assertIn(before, text)
        self.repository.write(FILE, text.replace(before, after))

    def test_1_comes_up_from_a_push(self):
        self.agent.start()
        example = (ROOT / "examples-repo/first-cluster/raycluster.yaml").read_text("utf-8")
        self.assertIn("replicas: 1", example)
        self.repository.write(FILE, example.replace("replicas: 1", "replicas: 2"))
        commit = self.push("The first cluster")
        pods = self.wait_for_pods("first-cluster", 2)
        self.assertEqual({HEAD, *WORKERS}, set(pods))
        status = self.wait_for_status("first-cluster", "Ready", commit)
        self.assertEqual(FILE, status["file"])
        self.assertEqual(commit, status["applied"]["commit"])
        self.assertIn("first-cluster", self.repository.status_file("README.md"))
        trailers = self.repository.status_log("%(trailers:key=Spec-Commit,valueonly)")
        self.assertIn(commit, trailers)
        service = self.api.object("services", self.namespace, "first-cluster-head-svc")
        self.assertIsNotNone(service)

    def test_2_an_edit_scales_a_group(self):
        before = uids(self.pods("first-cluster"))
        self.edit("replicas: 2", "replicas: 1")
        commit = self.push("One worker is enough")
        self.wait_for_pods("first-cluster", 1)
        self.wait_for_status("first-cluster", "Ready", commit)
        after = uids(self.pods("first-cluster"))
        self.assertEqual({name: before[name] for name in after}, after, "nothing else restarts")

    def test_3_a_changed_template_restarts_its_group_only(self):
        before = uids(self.pods("first-cluster"))
        self.edit("cpu: 250m", "cpu: 251m")
        commit = self.push("A little more CPU for the workers")

        old, = set(before.values()) - {before[HEAD]}
        wait_for(lambda: old not in uids(self.pods("first-cluster")).values(), PODS_SECONDS_MAX,
                 "the old worker's end")
        self.wait_for_pods("first-cluster", 1)
        self.wait_for_status("first-cluster", "Ready", commit)
        self.assertEqual(before[HEAD], uids(self.pods("first-cluster"))[HEAD])

    def test_4_a_move_changes_nothing(self):
        before = self.pods("first-cluster")
        self.repository.move(FILE, "clusters/elsewhere/ray.yaml")
        commit = self.push("Moved")
        status = self.wait_for_status("first-cluster", "Ready", commit)
        self.assertEqual("clusters/elsewhere/ray.yaml", status["file"])
        self.assert_untouched("first-cluster", before)

    def test_5_removal_removes_its_objects_and_nothing_else(self):
        stranger = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "stranger", "labels": {"ray.io/cluster": "first-cluster"}}, "data": {"a": "b"}}
        self.api.create("configmaps", self.namespace, stranger)
        # Somebody else's, that looks like ours.
        stranger["metadata"] = {"name": "impostor", "labels": {
            "ray.io/cluster": "first-cluster", "ray-gitops.io/agent": self.agent_id}}
        self.api.create("configmaps", self.namespace, stranger)
        self.repository.write("clusters/other.yaml", "# nothing declared here\n")
        self.repository.write("clusters/keeper.yaml", KEEPER)
        self.push("A keeper beside it")
        wait_for(lambda: self.api.object("configmaps", self.namespace, "keeper"),
                 STATUS_SECONDS_MAX, "the keeper")
        self.repository.remove("clusters/elsewhere/ray.yaml")
        commit = self.push("The first cluster goes")
        wait_for(lambda: not self.pods("first-cluster"), END_SECONDS_MAX, "the pods' end")
        for plural, name in (("services", "first-cluster-head-svc"),
                             ("configmaps", "raycluster.first-cluster")):
            wait_for(lambda p=plural, n=name: self.api.object(p, self.namespace, n) is None,
                     STATUS_SECONDS_MAX, f"the end of {name}")
        self.wait_for_observed(commit)
        wait_for(lambda: not self.status("first-cluster"), STATUS_SECONDS_MAX,
                 "the end of the status file")
        for name in ("stranger", "impostor", "keeper"):
            self.assertIsNotNone(self.api.object("configmaps", self.namespace, name), name)


KEEPER = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: keeper
data:
  story: stays
"""


class SideBySide(Story):
    """Two clusters, one of them broken by a commit."""

    agent_id = "side-by-side"

    def test_a_broken_neighbour_delays_nobody(self):
        self.agent.start()
        self.repository.write("clusters/blue.yaml", cluster_yaml("blue"))
        self.repository.write("clusters/green.yaml", cluster_yaml("green"))
        self.push("Blue and green")
        blue = self.wait_for_pods("blue")
        self.wait_for_pods("green")
        self.repository.write("clusters/blue.yaml", cluster_yaml("blue").replace(
            "rayStartParams:", "rayStartParam:"))
        self.repository.write("clusters/green.yaml", cluster_yaml("green", group_yaml("w", 1)))
        commit = self.push("Blue is misspelt, green grows")
        self.wait_for_pods("green", 1)
        self.wait_for_status("green", "Ready", commit)
        self.assertEqual("Blocked", self.status("blue")["phase"])
        self.assert_untouched("blue", blue)
        stays(lambda: set(self.pods("blue")) == {"blue-head"}, 3, "blue's head")
