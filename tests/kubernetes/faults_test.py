"""An API server that fails, is slow, and is gone for a while: nothing doubled, nothing lost."""

import os
import threading

from fault_proxy import FaultProxy
from kubernetes import uids
from world import END_SECONDS_MAX, SEED, Story, cluster_yaml, group_yaml, wait_for

RATE = 0.05
LATENCY_SECONDS = 1.0
OUTAGE_SECONDS = float(os.environ.get("E2E_OUTAGE_SECONDS", "10"))
CPU_OF_AN_OUTAGE_MAX = 0.05
CLUSTERS = 20
REMOVED = 5
LOOK_SECONDS = 0.1


class Pods(threading.Thread):
    """Every pod of these Ray clusters that was ever seen: uids by name."""

    def __init__(self, story, clusters):
        super().__init__(daemon=True)
        self._story = story
        self._selector = f"ray.io/cluster in ({','.join(clusters)})"
        self._ends = threading.Event()
        self.seen = {}

    def run(self):
        while not self._ends.wait(LOOK_SECONDS):
            for pod in self._story.api.list("pods", self._story.namespace, self._selector):
                meta = pod["metadata"]
                self.seen.setdefault(meta["name"], set()).add(meta["uid"])

    def end(self):
        self._ends.set()
        self.join()


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

    def watch_pods(self, clusters):
        watch = Pods(self, clusters)
        watch.start()
        self.addCleanup(watch.end)
        return watch

    def assert_made_once(self, watch, expected):
        watch.end()
        again = {name: found for name, found in watch.seen.items() if len(found) > 1}
        self.assertEqual({}, again, f"made twice, seed {SEED}")
        self.assertEqual(expected, set(watch.seen))

    def test_errors_and_a_slow_server_change_nothing_of_the_end(self):
        clusters = [f"c{number}" for number in range(CLUSTERS)]
        watch = self.watch_pods(clusters)
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
        self.assert_made_once(watch, set(after))

    @staticmethod
    def pods_of(cluster, pods):
        return {name: pod for name, pod in pods.items() if name.startswith(cluster + "-")}

    def test_an_outage_deletes_nothing_and_costs_little(self):
        before = self.bring(["red", "green"], 1)
        watch = self.watch_pods(["red", "green"])
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
        self.assert_made_once(watch, {*before, *after})
