"""The agent's GCS client against a real Ray head: demand, idleness and drains as they are."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from world import ENVIRONMENTS, PROGRAM, RAY_VERSION, wait_for

CALL = pathlib.Path(PROGRAM).parent / "tests/e2e/gcs-call"
BIN = pathlib.Path(ENVIRONMENTS) / RAY_VERSION / "bin"
HEAD = "127.0.0.77"
WORKER = "127.0.0.79"
GCS = f"{HEAD}:6477"
# Ports that no other test's Ray has; see `ray start --help`.
HEAD_ARGUMENTS = ("--head", "--port=6477", f"--dashboard-host={HEAD}", "--num-cpus=1",
                  "--dashboard-agent-listen-port=52477", "--ray-client-server-port=25477",
                  "--include-dashboard=false", "--no-monitor")
WORKER_ARGUMENTS = (f"--address={GCS}", "--dashboard-agent-listen-port=52479", "--num-cpus=2")
NODE_SECONDS_MAX = 90
CHANGE_SECONDS_MAX = 30

DEMAND = f"""
import time, ray
ray.init(address="{GCS}", log_to_driver=False)
run = ray.remote(lambda: time.sleep(600))
tasks = [run.options(num_cpus=1, num_gpus=8).remote() for _ in range(3)]
tasks += [run.options(num_cpus=2).remote()]
group = ray.util.placement_group([{{"CPU": 4}}, {{"CPU": 4}}], strategy="STRICT_SPREAD")
ray.autoscaler.sdk.request_resources(bundles=[{{"CPU": 1}}] * 5)
time.sleep(600)
"""


def call(*words):
    """Exit code and lines."""
    done = subprocess.run([CALL, GCS, *words], capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout.splitlines()


def state():
    code, lines = call("state")
    return lines if code == 0 else []


def line_of(beginning, *words):
    """The first line of the state that begins so and has all these words, or None."""
    for line in state():
        if line.startswith(beginning) and all(word in line for word in words):
            return line
    return None


class Gcs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.processes = []
        # Short: Ray puts sockets into it, whose paths may have 107 bytes.
        cls.folder = tempfile.TemporaryDirectory(prefix="rg", dir="/tmp")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.addClassCleanup(cls.stop)
        cls.ray("gcs-head", "headgroup", HEAD, *HEAD_ARGUMENTS)
        wait_for(lambda: line_of("node", "gcs-head", "'CPU'"), NODE_SECONDS_MAX, "the head")

    @classmethod
    def ray(cls, pod, group, address, *arguments):
        cls.start([BIN / "ray", "start", *arguments, f"--node-ip-address={address}",
                   "--memory=500000000", "--object-store-memory=78643200",
                   f"--temp-dir={cls.folder.name}/ray", "--include-log-monitor=false",
                   "--disable-usage-stats", "--block"],
                  {"RAY_CLOUD_INSTANCE_ID": pod, "RAY_NODE_TYPE_NAME": group})

    @classmethod
    def start(cls, command, environment):
        environment = {**os.environ, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
                       "RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_autoscaler_v2": "1",
                       **environment}
        with open(f"{cls.folder.name}/log", "ab") as log:
            cls.processes.append(subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True))

    @classmethod
    def stop(cls):
        """Each started process with its whole group: workers first, the head last."""
        for process in reversed(cls.processes):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def test_demand_idleness_and_drains(self):
        self.ray("gcs-worker", "cpu-group", WORKER, *WORKER_ARGUMENTS)
        worker = wait_for(lambda: line_of("node", "gcs-worker cpu-group IDLE", "'CPU': 2.0"),
                          NODE_SECONDS_MAX, "an idle worker")
        node_id = worker.split()[1]
        self.assertGreater(int(re.search(r"idle=(\d+)", worker)[1]), 0)
        session = state()[0]
        self.assertRegex(session, "^session session_")

        # A busy node is not drained, and what waits is seen.
        driver = [BIN / "python", "-c", DEMAND]
        self.start(driver, {})
        wait_for(lambda: line_of("pending 3 ", "'CPU': 1.0, 'GPU': 8.0", "selectors=0"),
                 NODE_SECONDS_MAX, "three tasks that fit nowhere")
        wait_for(lambda: line_of("node", "gcs-worker cpu-group RUNNING"), CHANGE_SECONDS_MAX,
                 "the worker at work")
        wait_for(lambda: line_of("gang", ":STRICT_SPREAD|PENDING", "bundles=2"),
                 CHANGE_SECONDS_MAX, "the placement group")
        wait_for(lambda: line_of("constraint", "shapes=1"), CHANGE_SECONDS_MAX,
                 "what was requested")
        code, lines = call("drain", node_id, "the test wants it")
        self.assertEqual(0, code, lines)
        self.assertIn("refused The node to be idle terminated is no longer idle.", lines[0])
        self.assertIsNotNone(line_of("node", "gcs-worker cpu-group RUNNING"))

        # Once it is idle it is.
        os.killpg(self.processes.pop().pid, signal.SIGKILL)
        wait_for(lambda: line_of("node", "gcs-worker cpu-group IDLE"), CHANGE_SECONDS_MAX,
                 "an idle worker again")
        wait_for(lambda: call("drain", node_id, "the test wants it")[1][0] == "accepted ",
                 CHANGE_SECONDS_MAX, "an accepted drain")
        wait_for(lambda: line_of(f"node {node_id}", "DEAD") or line_of(f"node {node_id}",
                                                                       "DRAINING"),
                 CHANGE_SECONDS_MAX, "the end of the worker")
        self.assertEqual(session, state()[0])

    def test_reports_are_taken(self):
        self.assertEqual(0, call("report", "cpu-group", "2")[0])
        self.assertEqual(0, call("shape", "cpu-group", "2")[0])
        shown = subprocess.run([BIN / "ray", "status", "--address", GCS], capture_output=True,
                               text=True, timeout=60, check=False,
                               env={**os.environ, "RAY_enable_autoscaler_v2": "1"})
        self.assertRegex(shown.stdout, r"cpu-group, \d launching", shown.stderr)

    def test_many_calls_of_which_none_fails(self):
        code, lines = call("state", "500")
        self.assertEqual(0, code, lines)
        self.assertIn("calls 500 ", lines[-1])

    def test_a_method_that_ray_does_not_have_is_told_from_silence(self):
        wait_for(lambda: call("unknown", "20")[0] == 0, CHANGE_SECONDS_MAX,
                 "one answer that there is no such method")


if __name__ == "__main__":
    unittest.main()
