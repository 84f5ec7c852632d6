"""Services that scale with their load: Serve asks for replicas, workers come and go for them."""

import collections
import json
import subprocess
import threading
import urllib.request

from kubernetes import is_ready, uids
from templates import code_template
from world import PODS_SECONDS_MAX, PROGRAM, RAY_VERSION, STATUS_SECONDS_MAX, Story, wait_for

ANSWER_SECONDS_MAX = 10
IDLE_SECONDS = 3
# A proxy without replicas ends after 10 s instead of 30; a node is in use until then.
ENVIRONMENT = {"RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "10"}
CALLERS = 6
ANSWERS = 10

CODE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: sleeper
data:
  sleeper.py: |
    import asyncio
    import os

    from ray import serve


    @serve.deployment
    class Sleeper:
        async def __call__(self, request):
            await asyncio.sleep(0.2)
            return {"pod": os.uname().nodename}


    app = Sleeper.bind()
"""

# A replica takes a whole node; two callers at once are its share, so that one alone asks for one.
DEPLOYMENT = {
    "name": "Sleeper",
    "ray_actor_options": {"num_cpus": 1},
    "autoscaling_config": {"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 2,
                           "upscale_delay_s": 0.5, "downscale_delay_s": 2,
                           "metrics_interval_s": 0.5, "look_back_period_s": 2}}
SERVE_CONFIG = {"applications": [{"name": "sleeper", "route_prefix": "/",
                                  "import_path": "sleeper:app", "deployments": [DEPLOYMENT]}]}


def service_yaml(least, most):
    return f"""\
apiVersion: ray.io/v1
kind: RayService
metadata:
  name: web
spec:
  serveConfigV2: {json.dumps(json.dumps(SERVE_CONFIG))}
  rayClusterConfig:
    rayVersion: {RAY_VERSION}
    enableInTreeAutoscaling: true
    autoscalerOptions: {{idleTimeoutSeconds: {IDLE_SECONDS}}}
    headGroupSpec:
      rayStartParams: {{num-cpus: "1"}}
{code_template("ray-head", "2Gi", "sleeper", ENVIRONMENT, 6)}\
    workerGroupSpecs:
      - groupName: w
        replicas: 0
        minReplicas: {least}
        maxReplicas: {most}
        rayStartParams: {{num-cpus: "1"}}
{code_template("ray-worker", "1Gi", "sleeper", ENVIRONMENT, 8)}"""


class Load:
    """Callers that ask one call after the other, each with a connection of its own."""

    def __init__(self, url, callers=CALLERS):
        self.answers = collections.Counter()  # by pod
        self.failures = []
        self._url = url
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(callers)]

    def _run(self):
        while not self._ends.wait(0.01):
            try:
                with urllib.request.urlopen(self._url, timeout=ANSWER_SECONDS_MAX) as answer:
                    self.answers[json.load(answer)["pod"]] += 1
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers_of(self, pod):
        """Some more than there are by now."""
        count = self.answers[pod] + ANSWERS
        wait_for(lambda: self.answers[pod] >= count, PODS_SECONDS_MAX, f"answers of {pod}")


class ElasticServices(Story):
    """One service, one story after the other."""

    agent_id = "elastic-services"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repository.write("clusters/code.yaml", CODE)
        cls.agent.start()

    def declare(self, least, most):
        self.repository.write("clusters/web.yaml", service_yaml(least, most))
        return self.push(f"{least} to {most} workers")

    def wait_for_service(self, commit):
        """Ready, and about what this commit says."""
        def reached():
            return (self.service_status().get("phase") == "Ready" and
                    self.service_status()["spec"]["commit"] == commit)
        try:
            wait_for(reached, PODS_SECONDS_MAX, "a service that is Ready")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.service_status()}") from None

    def service_status(self):
        return self.repository.status_json(f"objects/{self.namespace}/rayservice/web.json") or {}

    def told_targets(self):
        """Targets of the groups as the service's status has them."""
        scaling = self.service_status().get("ray", {}).get("autoscaling", {})
        return {group["name"]: group["target"] for group in scaling.get("groups", [])}

    def url(self):
        service = self.api.object("services", self.namespace, "web-serve-svc")
        return f"http://{service['spec']['clusterIP']}:8000/"

    def anchor(self):
        """Of the service's only cluster."""
        anchor, = [each for each in self.api.list("configmaps", self.namespace)
                   if each["metadata"]["name"].startswith("raycluster.web-")]
        return anchor

    def target(self):
        """The number of workers that is saved."""
        return json.loads(self.anchor()["data"]["state"])["scaling"]["targets"]["w"]["replicas"]

    def pods_by_name(self):
        return {pod["metadata"]["name"]: pod for pod in self.api.list("pods", self.namespace)}

    def head(self):
        head, = [pod for name, pod in self.pods_by_name().items() if name.endswith("-head")]
        return head

    def workers(self):
        return {name: pod for name, pod in self.pods_by_name().items() if "-w-" in name}

    def what_does_not_change(self):
        return self.anchor()["metadata"]["uid"], self.head()["metadata"]["uid"]

    def how_it_ended(self, worker):
        """What Ray says of the node that this worker was."""
        ip = self.head()["status"]["podIP"]
        url = f"http://{ip}:8265/api/v0/nodes?detail=true"
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX) as answer:
            nodes = json.load(answer)["data"]["result"]["result"]
        node, = [node for node in nodes if node["node_ip"] == worker["status"]["podIP"]]
        return node["state_message"]

    def test_1_load_brings_a_worker_and_a_killed_agent_makes_no_other(self):
        self.wait_for_service(self.declare(0, 1))
        self.assertEqual({}, self.workers())
        same = self.what_does_not_change()
        with Load(self.url()) as load:
            (worker, pod), = wait_for(self.workers, PODS_SECONDS_MAX, "a worker").items()
            self.assertFalse(is_ready(pod))
            wait_for(lambda: self.told_targets() == {"w": 1}, PODS_SECONDS_MAX,
                     "the target in the service's status")
            self.agent.kill()
            self.assertEqual(1, self.target())
            self.agent.start()
            load.wait_for_answers_of(worker)
            self.assertEqual(uids({worker: pod}), uids(self.workers()))
            self.assertEqual(1, self.target())
        self.assertEqual([], load.failures)
        self.assertEqual(same, self.what_does_not_change())

    def test_2_bounds_count_at_once_and_what_serves_stays(self):
        same, before = self.what_does_not_change(), self.workers()
        with Load(self.url()) as load:
            self.declare(2, 2)
            both = wait_for(self.two_ready, PODS_SECONDS_MAX, "a worker without demand")
            idle, = both.keys() - before.keys()
            self.declare(0, 1)
            wait_for(lambda: idle not in self.workers(), PODS_SECONDS_MAX, "an idle worker's end")
            self.assertEqual(uids(before), uids(self.workers()))
            load.wait_for_answers_of(*before)
        self.assertEqual([], load.failures)
        self.assertIn("the group has a maximum of 1", self.how_it_ended(both[idle]))
        self.assertEqual(same, self.what_does_not_change())

    def two_ready(self):
        workers = self.workers()
        return workers if len(workers) == 2 and all(map(is_ready, workers.values())) else None

    def wait_for_no_worker(self):
        try:
            wait_for(lambda: not self.workers(), PODS_SECONDS_MAX, "the worker's end")
        except AssertionError as error:
            cluster = self.anchor()["metadata"]["name"].removeprefix("raycluster.")
            config = self.agent.cache.parent / "agent.yaml"
            said = subprocess.run([PROGRAM, "why", "--config", config, cluster], text=True,
                                  capture_output=True, check=False, timeout=ANSWER_SECONDS_MAX)
            raise AssertionError(f"{error}; {said.stdout}{said.stderr}") from None

    def test_3_the_worker_leaves_drained_when_the_load_has_ended(self):
        same = self.what_does_not_change()
        (worker, pod), = self.workers().items()
        with Load(self.url(), callers=1) as load:
            self.wait_for_no_worker()
            load.wait_for_answers_of(self.head()["metadata"]["name"])
        self.assertEqual([], load.failures)
        self.assertIn("Terminated due to idle", self.how_it_ended(pod), worker)
        wait_for(lambda: self.target() == 0, STATUS_SECONDS_MAX, "no worker as the target")
        self.assertEqual(same, self.what_does_not_change())
