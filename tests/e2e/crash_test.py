"""Whatever is killed, and whenever: the same end state, nothing lost, nothing left over."""

import pathlib
import random
import threading
import unittest

from kubernetes import uids
from repository import git
from world import (KILLS, PROGRAM, RAY_VERSION, SEED, STATUS_SECONDS_MAX, LocalCluster, Story,
                   cluster_yaml, group_yaml, pids_with, stays, the_world, wait_for)

FILE = "clusters/ray.yaml"
KILL_WITHIN_SECONDS = 4.0
SILENCE_SECONDS = 60


def orphaned_git_workers():
    """Children of agents that have outlived them."""
    orphans = set()
    for pid in pids_with(PROGRAM, "git-worker"):
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            parent = stat.rsplit(")", 1)[1].split()[1]
            line = pathlib.Path(f"/proc/{parent}/cmdline").read_bytes()
        except OSError:
            continue
        if PROGRAM.encode() not in line:
            orphans.add(pid)
    return orphans


class Crashes(Story):
    agent_id = "crashes"

    def setUp(self):
        if not self.agent.is_running():
            self.agent.start()
        self.bring_to("end", 1)

    def bring_to(self, env, replicas):
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", replicas, env=env)))
        commit = self.push(f"{env}, {replicas}")
        self.wait_for_pods("ray", replicas)
        self.wait_for_status("ray", "Ready", commit)
        return commit

    def test_an_agent_killed_at_random_moments_ends_where_it_should(self):
        expected = self.api.owned_by(self.agent_id)
        moments = random.Random(SEED)
        for number in range(KILLS):
            # Scaling, a restart of the group, or both.
            text = group_yaml("w", moments.randint(0, 1), env=moments.choice(["end", "way"]))
            self.repository.write(FILE, cluster_yaml("ray", text))
            self.push(f"Change {number}")
            threading.Event().wait(moments.uniform(0, KILL_WITHIN_SECONDS))
            self.agent.kill()
            self.agent.start()
        self.bring_to("end", 1)
        self.assertEqual(expected, self.api.owned_by(self.agent_id), f"seed {SEED}")
        wait_for(lambda: not orphaned_git_workers(), STATUS_SECONDS_MAX, "the workers' end")
        self.assertEqual(len(self.api.list("pods", self.namespace)), 2)

    def test_a_killed_local_cluster_takes_its_pods_over(self):
        # The tests after this one begin with an agent that has seen none of it.
        self.addCleanup(self.agent.kill)
        before, supervisors = self.pods("ray"), self.cluster.supervisors()
        restarts = {name: count_restarts(pod) for name, pod in before.items()}
        self.cluster.kill()
        self.assertEqual(supervisors, self.cluster.supervisors(), "the pods run on")
        self.cluster.start()
        after = self.wait_for_pods("ray", 1)
        self.assertEqual(uids(before), uids(after))
        self.assertEqual(restarts, {name: count_restarts(pod) for name, pod in after.items()})
        self.assertEqual(supervisors, self.cluster.supervisors())
        # And the agent finds its way back to it.
        self.bring_to("end", 0)

    def test_a_second_agent_of_the_same_id_writes_nothing(self):
        second = self.world.agent(self.agent_id, self.world.folder / "second",
                                  self.repository)
        self.addCleanup(second.stop)
        second.start()
        wait_for(lambda: "another agent" in second.log(), STATUS_SECONDS_MAX,
                 "the second agent to say why it waits")
        holder = self.holder()
        self.bring_to("end", 0)
        self.assertTrue(second.is_running())
        self.assertEqual(holder, self.holder())
        authors = set(self.repository.status_log("%(trailers:key=Ray-Gitops-Agent,valueonly)"))
        self.assertEqual({f"{self.agent_id}/{holder}"}, authors - {""})

    def holder(self):
        lease = self.api.lease(self.namespace, f"ray-gitops-{self.agent_id}")
        return lease["spec"]["holderIdentity"]

    def test_a_repository_that_cannot_be_written_to_stops_nothing(self):
        tip = self.repository.status_tip()
        # A branch of this name leaves no room for ray-status/<id>.
        git(self.repository.path, "branch", "--delete", "--force", self.repository.status_branch)
        git(self.repository.path, "branch", "ray-status", "main")
        try:
            self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", 0)))
            self.push("Unreported")
            self.wait_for_pods("ray")
            wait_for(lambda: "status cannot be published" in self.agent.log(),
                     STATUS_SECONDS_MAX, "a warning in the log")
            self.assertTrue(self.agent.is_running())
        finally:
            git(self.repository.path, "branch", "--delete", "--force", "ray-status")
            git(self.repository.path, "update-ref", f"refs/heads/{self.repository.status_branch}",
                tip)
        # It asks again after some minutes; an agent that starts asks at once.
        self.agent.kill()
        self.agent.start()
        self.bring_to("end", 1)

    def test_converged_is_silent(self):
        tip, versions = self.repository.status_tip(), self.api.versions()
        stays(lambda: self.repository.status_tip() == tip and self.api.versions() == versions,
              SILENCE_SECONDS, "no status commit, no write to the cluster")


def count_restarts(pod):
    return sum(status["restartCount"] for status in pod["status"]["containerStatuses"])


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "sleeper"}, "spec": {"containers": [
    {"name": "sleeper", "image": f"rayproject/ray:{RAY_VERSION}", "command": ["sleep", "1000"]}]}}


class OwnCluster(unittest.TestCase):
    """A local cluster of its own, to see it end."""

    def test_sigterm_leaves_nothing_behind(self):
        cluster = LocalCluster(the_world().folder / "own", "10.90.0.0/24", "rge2e1")
        cluster.start()
        self.addCleanup(cluster.kill)
        cluster.api.create("pods", "default", POD)
        wait_for(cluster.supervisors, STATUS_SECONDS_MAX, "a pod to start")
        self.assertTrue(cluster.has_bridge())
        self.assertEqual(0, cluster.stop())
        self.assertEqual(set(), cluster.supervisors())
        self.assertFalse(cluster.has_bridge())
