"""An API server that fails, is slow, and is gone for a while: nothing doubled, nothing lost."""

import os
import threading

from fault_proxy import FaultProxy
from kubernetes import uids
from pod_watch import PodWatch
from world import END_SECONDS_MAX, SEED, Story, cluster_yaml, group_yaml, wait_for

RATE = 0.05
LATENCY_SECONDS = 1.0
OUTAGE_SECONDS = float(os.environ.get("E2E_OUTAGE_SECONDS", "10"))
CPU_OF_AN_OUTAGE_MAX = 0.05
CLUSTERS = 20
REMOVED = 5


class Faults(Story):
    agent_id = "faults"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.agent.cache.parent
        cls.proxy = FaultProxy(cls.cluster.kubeconfig, folder, SEED)
        cls.addClassCleanup(cls.proxy.close)
        config = folder / "agent.yaml"
        config.write_text(config.read_text("utf-8").replace(
            str(cls.cluster.kubeconfig), str(cls.proxy.kubeconfig)), "utf-8")
        cls.agent.start()

    def setUp(self):
        self.proxy.rate = self.proxy.latency = 0

    def bring(self, clusters, replicas):
        """So many workers in each of them, and all as Git has it; the pods by name."""
        for name in clusters:
            self.repository.write(f"clusters/{name}.yaml",
                                  cluster_yaml(name, group_yaml("w", replicas)))
        commit = self.push(f"{replicas} workers")
        pods = {}
        for name in clusters:
            pods.update(self.wait_for_pods(name, replicas))
        for name in clusters:
            self.wait_for_status(name, "Ready", commit)
        return pods

    def remove(self, clusters):
        for name in clusters:
            self.repository.remove(f"clusters/{name}.yaml")

    def test_errors_and_a_slow_server_change_nothing_of_the_end(self):
        clusters = [f"c{number}" for number in range(CLUSTERS)]
        watch = PodWatch(self, clusters)
        self.proxy.given.clear()
        self.proxy.rate, self.proxy.latency = RATE, LATENCY_SECONDS
        before = self.bring(clusters, 2)
        after = self.bring(clusters, 3)
        self.assertEqual(uids(before), {name: uids(after)[name] for name in before})
        gone, kept = clusters[:REMOVED], clusters[REMOVED:]
        self.remove(gone)
        self.push("Fewer clusters")
        wait_for(lambda: not any(map(self.pods, gone)), END_SECONDS_MAX, "the end of their pods")
        for name in kept:
            self.assert_untouched(name, self.pods_of(name, after))
        print(f"\nseed {SEED}: {self.proxy.requests} requests, {dict(self.proxy.given)}")
        self.assertGreater(sum(self.proxy.given.values()), 0)
        watch.assert_made_once(after)

    @staticmethod
    def pods_of(cluster, pods):
        return {name: pod for name, pod in pods.items() if name.startswith(cluster + "-")}

    def test_an_outage_deletes_nothing_and_costs_little(self):
        before = self.bring(["red", "green"], 1)
        watch = PodWatch(self, ["red", "green"])
        self.proxy.set_outage(True)
        self.addCleanup(self.proxy.set_outage, False)
        self.remove(["green"])
        self.push("Nobody can act on this yet")
        spent = self.agent.cpu_seconds()
        threading.Event().wait(OUTAGE_SECONDS)
        share = (self.agent.cpu_seconds() - spent) / OUTAGE_SECONDS
        print(f"\nCPU in an outage of {OUTAGE_SECONDS:.0f} s: {100 * share:.1f} %")
        self.assertTrue(self.agent.is_running())
        for name in ("red", "green"):
            self.assert_untouched(name, self.pods_of(name, before))
        self.assertLess(share, CPU_OF_AN_OUTAGE_MAX)
        self.proxy.set_outage(False)
        after = self.bring(["red"], 2)
        wait_for(lambda: not self.pods("green"), END_SECONDS_MAX, "the end of what Git has not")
        self.assert_untouched("red", self.pods_of("red", before))
        watch.assert_made_once({*before, *after})
