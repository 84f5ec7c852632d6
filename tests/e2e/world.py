"""What tests run in: one local cluster for all of them, and for each an agent with a repository.

Everything is real: the program as built, Git, Ray. Where things are comes from the environment that
run.py sets.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import time
import unittest

from kubernetes import Kubernetes, is_ready
from repository import Repository

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("RAY_GITOPS_PROGRAM", str(ROOT / "build/release/ray-gitops"))
ENVIRONMENTS = os.environ.get("RAY_GITOPS_ENVIRONMENTS", "/var/cache/ray-gitops/ray")
RAY_VERSION = os.environ.get("RAY_VERSION", "2.60.0")
KILLS = int(os.environ.get("E2E_KILLS", "5"))
SEED = int(os.environ.get("E2E_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

# Ray takes 5 s to start on a quiet machine, and half a minute where all start at once.
PODS_SECONDS_MAX = 180
STATUS_SECONDS_MAX = 30
END_SECONDS_MAX = 60


def wait_for(condition, seconds, what):
    """The condition's first true value. `what` completes "waited in vain for ..."."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what} ({seconds} s)")
        time.sleep(0.1)


def stays(condition, seconds, what):
    """The condition holds all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"did not stay: {what}")
        time.sleep(0.2)


def pids_with(*words):
    """Processes whose command line has all these words."""
    found = set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if all(any(word.encode() in part for part in line) for word in words):
            found.add(int(folder.name))
    return found


class Process:
    """The program with some arguments, its output in a file."""

    def __init__(self, log, *arguments):
        self._log = log
        self._arguments = [PROGRAM, *map(str, arguments)]
        self._process = None

    def start(self):
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._arguments, stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log, start_new_session=True)

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process is not None and self._process.poll() is None

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        if self.is_running():
            self._process.kill()
        self._process.wait()

    def stop(self):
        """SIGTERM; the exit code."""
        if self.is_running():
            self._process.terminate()
        try:
            return self._process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self._arguments[1]} did not end on SIGTERM") from None

    def cpu_seconds(self):
        """Of the process itself, so far."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def log(self):
        return self._log.read_text(encoding="utf-8", errors="replace")


class LocalCluster(Process):
    def __init__(self, folder, subnet, bridge):
        folder.mkdir(parents=True, exist_ok=True)
        self.state = folder / "state"
        self.kubeconfig = folder / "kubeconfig"
        self.bridge = bridge
        super().__init__(folder / "local-cluster.log", "local-cluster", "--state", self.state,
                         "--kubeconfig", self.kubeconfig, "--ray-environments", ENVIRONMENTS,
                         "--subnet", subnet, "--bridge", bridge)

    def start(self):
        self.kubeconfig.unlink(missing_ok=True)
        super().start()
        wait_for(lambda: self.kubeconfig.exists() or not self.is_running(), STATUS_SECONDS_MAX,
                 "the local cluster's kubeconfig")
        wait_for(self._answers, STATUS_SECONDS_MAX, f"the local cluster:\n{self.log()}")

    def _answers(self):
        if not self.is_running():
            raise AssertionError(f"the local cluster ended:\n{self.log()}")
        try:
            return self.api.list("namespaces")
        except OSError:
            return None

    @property
    def api(self):
        return Kubernetes(self.kubeconfig)

    def supervisors(self):
        """Processes that hold a pod each."""
        return pids_with("pod-supervisor", str(self.state))

    def has_bridge(self):
        return pathlib.Path(f"/sys/class/net/{self.bridge}").exists()


class ControlPlane:
    """A real Kubernetes that runs already and that is somebody else's to stop."""

    def __init__(self, kubeconfig):
        self.kubeconfig = pathlib.Path(kubeconfig)

    @property
    def api(self):
        return Kubernetes(self.kubeconfig)

    @staticmethod
    def is_running():
        """As something that a test may stop: never."""
        return False


class World:
    """The folder of a run and its one cluster: a local one, or kubetest's where it runs this."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ray-gitops-e2e-"))
        if "KUBETEST_DIR" in os.environ:
            self.cluster = ControlPlane(os.environ["KUBECONFIG"])
        else:
            self.cluster = LocalCluster(self.folder / "cluster", "10.89.0.0/24", "rge2e0")
            self.cluster.start()
        self._agents = []

    def close(self):
        for agent in self._agents:
            if agent.is_running():
                agent.kill()
        if self.cluster.is_running():
            self.cluster.stop()

    def agent(self, agent_id, folder=None, repository=None):
        agent = Agent(self, agent_id, folder or self.folder / agent_id, repository)
        self._agents.append(agent)
        return agent


_worlds = []


def opened():
    return _worlds


def the_world():
    if not _worlds:
        _worlds.append(World())
    return _worlds[0]


class Agent(Process):
    """An agent of its own id, with its own repository, in a namespace of the same name."""

    def __init__(self, world, agent_id, folder, repository):
        folder.mkdir(parents=True, exist_ok=True)
        self.id = agent_id
        self.cache = folder / "cache"
        self.repository = repository or Repository(folder, f"ray-status/{agent_id}")
        config = folder / "agent.yaml"
        config.write_text(f"""\
apiVersion: ray-gitops.io/v1alpha1
kind: AgentConfig
agentId: {agent_id}
agentNamespace: {agent_id}
defaultNamespace: {agent_id}
repository:
{self.repository.settings}
  path: clusters
  pollIntervalSeconds: 2
status:
  debounceSeconds: 1
  maxWaitSeconds: 2
  commitsPerHour: 100000
  burst: 100000
cluster:
  kubeconfig: {world.cluster.kubeconfig}
cacheDirectory: {self.cache}
""", encoding="utf-8")
        super().__init__(folder / "agent.log", "agent", "--config", config)

    def wake(self):
        """Asks for a poll now. An agent that does not listen yet polls by itself when it does."""
        if self.is_running() and self._listens():
            self.signal(signal.SIGUSR1)

    def _listens(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text("ascii")
        blocked = re.search(r"^SigBlk:\s*(\w+)", status, re.MULTILINE).group(1)
        return int(blocked, 16) >> (signal.SIGUSR1 - 1) & 1


def group_yaml(name, replicas, memory="512Mi", env=""):
    return f"""\
    - groupName: {name}
      replicas: {replicas}
      minReplicas: 0
      maxReplicas: 4
      rayStartParams: {{}}
      template:
        spec:
          containers:
            - name: ray-worker
              image: rayproject/ray:{RAY_VERSION}
              env: [{{name: STORY, value: "{env}"}}]
              resources:
                limits: {{cpu: "1", memory: {memory}}}
"""


def cluster_yaml(name, groups="", head_memory="1Gi"):
    """A RayCluster; without groups it is a head alone."""
    return f"""\
apiVersion: ray.io/v1
kind: RayCluster
metadata:
  name: {name}
spec:
  rayVersion: {RAY_VERSION}
  headGroupSpec:
    rayStartParams: {{}}
    template:
      spec:
        containers:
          - name: ray-head
            image: rayproject/ray:{RAY_VERSION}
            resources:
              limits: {{cpu: "1", memory: {head_memory}}}
""" + ("  workerGroupSpecs:\n" + groups if groups else "  workerGroupSpecs: []\n")


class Story(unittest.TestCase):
    """One agent, one repository, one namespace for all tests of a class."""

    agent_id = None

    @classmethod
    def setUpClass(cls):
        cls.world = the_world()
        cls.cluster = cls.world.cluster
        cls.namespace = cls.agent_id
        cls.agent = cls.world.agent(cls.agent_id, repository=cls.make_repository())
        cls.repository = cls.agent.repository
        cls.make_namespace()
        cls.addClassCleanup(cls.tear_down_story)

    @classmethod
    def make_namespace(cls):
        cls.cluster.api.request("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cls.namespace}})

    @classmethod
    def make_repository(cls):
        """None: one on this machine."""
        return None

    @classmethod
    def tear_down_story(cls):
        cls.agent.stop()
        # What the story made would slow down the next one.
        for anchor in cls.cluster.api.list("configmaps", cls.namespace,
                                           f"ray-gitops.io/agent={cls.agent_id}"):
            cls.cluster.api.remove("configmaps", cls.namespace, anchor["metadata"]["name"])
        wait_for(lambda: not cls.cluster.api.list("pods", cls.namespace), END_SECONDS_MAX,
                 "the end of the story's pods")

    @property
    def api(self):
        return self.cluster.api

    def push(self, message, force=False):
        commit = self.repository.push(message, force)
        self.agent.wake()
        return commit

    def pods(self, cluster):
        return self.api.pods(self.namespace, cluster)

    def status(self, cluster):
        return self.repository.cluster_status(self.namespace, cluster)

    def wait_for_pods(self, cluster, workers=0):
        """The head and so many workers, all of them ready, and nobody else; by name.

        Which slots the workers have is not said: one that leaves holds its own.
        """
        def all_ready():
            pods = self.pods(cluster)
            complete = f"{cluster}-head" in pods and len(pods) == workers + 1
            return pods if complete and all(map(is_ready, pods.values())) else None
        try:
            return wait_for(all_ready, PODS_SECONDS_MAX, f"a head and {workers} workers")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.status(cluster)}") from None

    def wait_for_status(self, cluster, phase, commit=None):
        """The object's status file in this phase, the branch at this commit."""
        def reached():
            # In this order: the branch may move between the two, and only forward.
            observed = self.repository.summary().get("source", {}).get("observedCommit")
            status = self.status(cluster)
            return status if status.get("phase") == phase and commit in (None, observed) else None
        try:
            return wait_for(reached, STATUS_SECONDS_MAX, f"phase {phase} of {cluster}")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.status(cluster)}, "
                                 f"summary: {self.repository.summary()}") from None

    def wait_for_observed(self, commit):
        return wait_for(
            lambda: self.repository.summary().get("source", {}).get("observedCommit") == commit,
            STATUS_SECONDS_MAX, f"a status commit about {commit}")

    def wait_for_hold(self):
        """The hold that the status shows."""
        return wait_for(lambda: self.repository.summary().get("hold"), STATUS_SECONDS_MAX,
                        "a hold in the status")

    def assert_untouched(self, cluster, pods):
        """The same pods, none of them leaving, none restarted."""
        now = self.pods(cluster)
        for name, pod in pods.items():
            self.assertIn(name, now)
            self.assertEqual(pod["metadata"]["uid"], now[name]["metadata"]["uid"], name)
            self.assertNotIn("deletionTimestamp", now[name]["metadata"], name)
