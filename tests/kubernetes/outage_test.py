"""A control plane that loses its power, and one that comes back as it was some time ago."""

import os
import pathlib
import shutil
import signal
import threading

from pod_watch import PodWatch
from world import END_SECONDS_MAX, Story, cluster_yaml, group_yaml, wait_for

FILE = "clusters/ray.yaml"
OUTAGE_SECONDS = float(os.environ.get("E2E_OUTAGE_SECONDS", "10"))
CPU_OF_AN_OUTAGE_MAX = 0.05
START_SECONDS_MAX = 60


class ControlPlane:
    """The one of kubetest that runs this."""

    def __init__(self, story):
        self._story = story
        self._folder = pathlib.Path(os.environ["KUBETEST_DIR"])
        self._pid = int((self._folder / "kubetest.pid").read_text("ascii"))
        self._is_up = True
        story.addCleanup(self.start)

    def kill(self):
        os.kill(self._pid, signal.SIGUSR1)
        self._is_up = False
        wait_for(lambda: not self.is_ready(), END_SECONDS_MAX, "the end of the API server")

    def start(self):
        if self._is_up:
            return
        os.kill(self._pid, signal.SIGUSR2)
        self._is_up = True
        wait_for(self.is_ready, START_SECONDS_MAX, "the API server")

    def is_ready(self):
        try:
            return self._story.api.list("namespaces")
        except OSError:
            return None

    def back_up(self):
        """While it is down."""
        shutil.copytree(self._folder / "etcd", self._backup)

    def restore(self):
        """While it is down."""
        shutil.rmtree(self._folder / "etcd")
        self._backup.rename(self._folder / "etcd")

    @property
    def _backup(self):
        return self._folder / "etcd.backup"


class Outages(Story):
    agent_id = "outages"

    def setUp(self):
        if not self.agent.is_running():
            self.agent.start()
        self.control_plane = ControlPlane(self)

    def bring_to(self, replicas):
        commit = self.commit_workers(replicas)
        pods = self.wait_for_pods("ray", replicas)
        self.wait_for_status("ray", "Ready", commit)
        return pods

    def commit_workers(self, replicas):
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", replicas)))
        return self.push(f"{replicas} workers")

    def test_a_control_plane_that_was_killed_is_met_again_as_it_was(self):
        before = self.bring_to(1)
        watch = PodWatch(self, ["ray"])
        self.control_plane.kill()
        commit = self.commit_workers(3)
        spent = self.agent.cpu_seconds()
        threading.Event().wait(OUTAGE_SECONDS)
        share = (self.agent.cpu_seconds() - spent) / OUTAGE_SECONDS
        print(f"\nCPU in {OUTAGE_SECONDS:.0f} s without a control plane: {100 * share:.1f} %")
        self.assertTrue(self.agent.is_running())
        self.assertLess(share, CPU_OF_AN_OUTAGE_MAX)
        self.control_plane.start()
        after = self.wait_for_pods("ray", 3)
        self.wait_for_status("ray", "Ready", commit)
        self.assert_untouched("ray", before)
        watch.assert_made_once(after)

    def test_a_restored_backup_is_noticed_and_brought_to_what_git_says(self):
        before = self.bring_to(1)
        self.control_plane.kill()
        self.control_plane.back_up()
        self.control_plane.start()
        self.bring_to(3)
        self.control_plane.kill()
        self.control_plane.restore()
        self.control_plane.start()
        # Its watches ask for a future that does not come. Whoever runs it starts it again.
        wait_for(lambda: not self.agent.is_running(), END_SECONDS_MAX, "the end of the agent")
        self.assertIn("the cluster is older than it was", self.agent.log())
        self.agent.start()
        self.wait_for_pods("ray", 3)
        self.assert_untouched("ray", before)
