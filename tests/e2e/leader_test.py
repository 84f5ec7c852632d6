"""Two agents of one id: the Lease moves on with its holder, and a late ex-holder is harmless."""

import re
import signal
import time

from world import STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, stays, wait_for

FILE = "clusters/ray.yaml"
TAKEOVER_SECONDS_MAX = 15
HANDOVER_SECONDS_MAX = 5
QUIET_SECONDS = 8


class Leader(Story):
    agent_id = "leader"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.world.agent(cls.agent_id, cls.world.folder / "leader-second",
                                     cls.repository)

    @classmethod
    def tear_down_story(cls):
        cls.second.stop()
        super().tear_down_story()

    def setUp(self):
        """`agent` leads and `second` waits."""
        for agent in (self.second, self.agent):
            if agent.is_running():
                agent.stop()
        self.agent.start()
        self.bring_to(0)
        self.first_holder = self.lease()["holderIdentity"]
        self.second.start()
        wait_for(lambda: self.waits(self.second), STATUS_SECONDS_MAX, "the second agent to wait")

    def waits(self, agent):
        """The last it said of the Lease."""
        said = re.findall("lease acquired|waiting for the lease", agent.log())
        return said[-1:] == ["waiting for the lease"]

    def lease(self):
        return self.api.lease(self.namespace, f"ray-gitops-{self.agent_id}")["spec"]

    def bring_to(self, replicas):
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", replicas)))
        commit = self.push(f"{replicas} workers")
        self.second.wake()
        self.wait_for_pods("ray", replicas)
        self.wait_for_status("ray", "Ready", commit)

    def wait_for_second(self, seconds):
        """How long it took."""
        start = time.monotonic()
        wait_for(lambda: self.lease()["holderIdentity"] not in ("", self.first_holder), seconds,
                 "the second agent to hold the Lease")
        return time.monotonic() - start

    def test_a_killed_leader_is_followed_within_fifteen_seconds(self):
        self.agent.kill()
        took = self.wait_for_second(TAKEOVER_SECONDS_MAX)
        print(f"\ntakeover {took:.1f} s after kill -9")
        self.bring_to(1)

    def test_a_leader_that_ends_hands_over_at_once(self):
        self.assertEqual(0, self.agent.stop())
        took = self.wait_for_second(HANDOVER_SECONDS_MAX)
        print(f"\nhandover {took:.1f} s after SIGTERM")
        self.bring_to(1)

    def test_a_stopped_leader_that_wakes_writes_nothing(self):
        # Stopped with work at hand: it may have decided, and not sent.
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", 2)))
        self.push("2 workers")
        self.agent.signal(signal.SIGSTOP)
        self.addCleanup(self.agent.signal, signal.SIGCONT)
        self.wait_for_second(TAKEOVER_SECONDS_MAX)
        self.bring_to(1)
        settled = self.settled()
        self.agent.signal(signal.SIGCONT)
        stays(lambda: self.state() == settled, QUIET_SECONDS, "nothing that a late leader wrote")
        self.assertTrue(self.agent.is_running())
        self.assertTrue(self.waits(self.agent))
        epochs = self.repository.status_log("%(trailers:key=Lease-Epoch,valueonly)")
        numbers = [int(epoch) for epoch in epochs if epoch.strip()]
        self.assertEqual(sorted(numbers, reverse=True), numbers, "no push of an earlier epoch")
        self.assertGreater(numbers[0], numbers[-1])

    def state(self):
        return (self.api.versions_in(self.namespace), self.repository.status_tip(),
                self.lease()["holderIdentity"])

    def settled(self):
        """The state, once it has been the same for three seconds."""
        def unchanged():
            before = self.state()
            time.sleep(3)
            return before if self.state() == before else None
        return wait_for(unchanged, STATUS_SECONDS_MAX, "a state that stays")
