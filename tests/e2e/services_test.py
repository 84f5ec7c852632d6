"""A service on real Ray: what Git says answers at one address, whatever happens behind it."""

import json
import random
import threading
import time
import urllib.request

from kubernetes import is_ready, uids
from repository import git
from templates import code_template
from world import (KILLS, PODS_SECONDS_MAX, RAY_VERSION, SEED, STATUS_SECONDS_MAX, Story,
                   wait_for)

RAY_SECONDS_MAX = 90
ANSWER_SECONDS_MAX = 5
DELETION_DELAY_SECONDS = 2

CODE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: greeter
data:
  greeter.py: |
    import os

    from ray import serve


    @serve.deployment(ray_actor_options={"num_cpus": 0.1})
    class Greeter:
        def __init__(self, model=None):
            if model is not None:
                raise ValueError(f"no model {model}")

        def reconfigure(self, config):
            self.greeting = config["greeting"]

        def __call__(self, request):
            return {"greeting": self.greeting, "pod": os.uname().nodename, "pid": os.getpid(),
                    "story": os.environ["STORY"]}


    app = Greeter.bind()
    broken = Greeter.bind("at hand")
"""


def service_yaml(greeting, story="", import_path="greeter:app", workers=0):
    """A head that serves alone, or so many workers as well, one replica on each of them all."""
    deployment = {"name": "Greeter", "user_config": {"greeting": greeting}}
    if workers:
        deployment |= {"num_replicas": workers + 1, "ray_actor_options": {"num_cpus": 0.6}}
    config = {"applications": [{"name": "greeter", "route_prefix": "/",
                                "import_path": import_path, "deployments": [deployment]}]}
    environment = {"STORY": story}
    head = code_template("ray-head", "2Gi", "greeter", environment, 6)
    text = f"""\
apiVersion: ray.io/v1
kind: RayService
metadata:
  name: web
spec:
  rayClusterDeletionDelaySeconds: {DELETION_DELAY_SECONDS}
  serveConfigV2: {json.dumps(json.dumps(config))}
  rayClusterConfig:
    rayVersion: {RAY_VERSION}
    headGroupSpec:
      rayStartParams: {{}}
{head}"""
    if not workers:
        return text
    group = code_template("ray-worker", "512Mi", "greeter", environment, 8)
    return f"""{text}\
    workerGroupSpecs:
      - groupName: w
        replicas: {workers}
        rayStartParams: {{}}
{group}"""


def ask(url):
    """What answers there, or None."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS_MAX) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError):
        return None


class Caller:
    """Asks without a pause, each time with a connection of its own, until it is told to stop."""

    def __init__(self, url):
        self.stories = []  # each as often as the one before was another
        self.count = 0
        self.failures = []
        self._url = url
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ends.wait(0.01):
            begin = time.monotonic()
            try:
                with urllib.request.urlopen(self._url, timeout=ANSWER_SECONDS_MAX) as answer:
                    story = json.loads(answer.read())["story"]
            except (OSError, ValueError) as error:
                self.failures.append(f"{error!r} after {time.monotonic() - begin:.2f} s, call "
                                     f"{self.count}, last story {self.stories[-1:]}")
                continue
            finally:
                self.count += 1
            if self.stories[-1:] != [story]:
                self.stories.append(story)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()


class Services(Story):
    """One service, one story after the other."""

    agent_id = "services"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repository.write("clusters/code.yaml", CODE)
        cls.agent.start()

    def declare(self, *arguments, **more):
        self.repository.write("clusters/web.yaml", service_yaml(*arguments, **more))
        return self.push(f"The service, {arguments} {more}")

    def service_status(self):
        return self.repository.status_json(f"objects/{self.namespace}/rayservice/web.json") or {}

    def wait_for_service(self, phase, commit, reason=None):
        """In this phase, and about what this commit says."""
        def reached():
            status = self.service_status()
            fits = status.get("phase") == phase and reason in (None, status.get("reason"))
            return status if fits and status["spec"]["commit"] == commit else None
        try:
            return wait_for(reached, PODS_SECONDS_MAX, f"phase {phase} {reason}")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.service_status()}") from None

    def url(self):
        service = self.api.object("services", self.namespace, "web-serve-svc")
        return f"http://{service['spec']['clusterIP']}:8000/"

    def wait_for_answer(self, **members):
        url = self.url()

        def right():
            answer = ask(url) or {}
            return answer if members.items() <= answer.items() else None
        try:
            return wait_for(right, RAY_SECONDS_MAX, f"an answer with {members}")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.service_status()}") from None

    def clusters(self):
        return {anchor["metadata"]["name"] for anchor in
                self.api.list("configmaps", self.namespace)
                if anchor["metadata"]["name"].startswith("raycluster.web-")}

    def pods_by_name(self):
        return {pod["metadata"]["name"]: pod for pod in self.api.list("pods", self.namespace)}

    def test_1_answers_at_the_services_address(self):
        self.assertEqual({}, self.service_status())
        commit = self.declare("hello")
        status = self.wait_for_service("Ready", commit)
        answer = self.wait_for_answer(greeting="hello")
        head, = self.pods_by_name().values()
        self.assertTrue(is_ready(head))
        self.assertEqual("true", head["metadata"]["labels"].get("ray.io/serve"))
        self.assertTrue(head["metadata"]["name"].startswith("web-"))
        self.assertEqual(head["metadata"]["name"], answer["pod"])
        # What it serves, and with how many replicas, is in Git.
        self.assertEqual(1, status["ray"]["servingPods"])
        self.assertEqual(self.clusters(), {"raycluster." + status["ray"]["cluster"]})
        greeter = status["ray"]["applications"]["greeter"]
        self.assertEqual("RUNNING", greeter["status"])
        self.assertEqual({"RUNNING": 1}, greeter["deployments"]["Greeter"]["replicas"])

    def test_2_a_new_configuration_reaches_what_runs(self):
        before, clusters = self.wait_for_answer(greeting="hello"), self.clusters()
        self.declare("bonjour")
        after = self.wait_for_answer(greeting="bonjour")
        self.assertEqual((before["pod"], before["pid"]), (after["pod"], after["pid"]))
        self.assertEqual(clusters, self.clusters())

    def test_3_a_lost_head_is_given_the_configuration_again(self):
        clusters, commit = self.clusters(), git(self.repository.work, "rev-parse", "HEAD")
        (head, lost), = uids(self.pods_by_name()).items()
        self.api.delete("pods", self.namespace, head, grace=0)
        wait_for(lambda: uids(self.pods_by_name()).get(head, lost) != lost, STATUS_SECONDS_MAX,
                 "another head")
        self.wait_for_answer(greeting="bonjour")
        self.wait_for_service("Ready", commit)
        self.assertEqual(clusters, self.clusters())

    def test_4_killed_agents_deploy_it_all_the_same(self):
        clusters, moments = self.clusters(), random.Random(SEED)
        for number in range(KILLS):
            self.declare(f"hi {number}")
            threading.Event().wait(moments.uniform(0, 3))
            self.agent.kill()
            self.agent.start()
        commit = self.declare("salut")
        self.wait_for_answer(greeting="salut")
        self.wait_for_service("Ready", commit)
        self.assertEqual(clusters, self.clusters(), f"seed {SEED}")

    def test_5_no_request_fails_while_another_cluster_takes_over(self):
        before, = self.clusters()
        with Caller(self.url()) as caller:
            commit = self.declare("salut", story="two")
            wait_for(lambda: len(self.pods_by_name()) == 2, PODS_SECONDS_MAX, "a second cluster")
            self.agent.kill()
            self.agent.start()
            self.wait_for_answer(story="two")
            self.wait_for_service("Ready", commit)
            wait_for(lambda: before not in self.clusters() and len(self.pods_by_name()) == 1,
                     RAY_SECONDS_MAX, "the end of the cluster before")
            count = caller.count
            wait_for(lambda: caller.count > count + 50, RAY_SECONDS_MAX, "calls to what is left")
        self.assertEqual([], caller.failures)
        self.assertGreater(caller.count, 100)
        self.assertEqual(["", "two"], caller.stories, "and never goes back")
        self.assertEqual(1, len(self.clusters()))

    def test_6_a_failed_application_says_why_and_is_mended(self):
        clusters = self.clusters()
        for import_path, exception in (
                ("missing:app", "ModuleNotFoundError: No module named 'missing'"),
                ("greeter:broken", "ValueError: no model at hand")):
            commit = self.declare("salut", story="two", import_path=import_path)
            status = self.wait_for_service("Degraded", commit, "ApplicationFailed")
            self.assertIn(exception, status["message"])
        commit = self.declare("ahoy", story="two")
        self.wait_for_answer(greeting="ahoy")
        self.wait_for_service("Ready", commit)
        self.assertEqual(clusters, self.clusters())

    def test_7_an_added_group_serves_too(self):
        clusters = self.clusters()
        head, = self.pods_by_name()
        commit = self.declare("ahoy", story="two", workers=1)
        url, seen = self.url(), set()

        def all_answer():
            seen.add((ask(url) or {}).get("pod"))
            return set(self.pods_by_name()) <= seen and len(self.pods_by_name()) == 2
        wait_for(all_answer, PODS_SECONDS_MAX, "answers from both pods")
        self.wait_for_service("Ready", commit)
        self.assertEqual(clusters, self.clusters())
        self.assertIn(head, self.pods_by_name())
        for pod in self.pods_by_name().values():
            self.assertEqual("true", pod["metadata"]["labels"].get("ray.io/serve"))

    def test_8_a_removed_file_takes_everything_away(self):
        self.repository.remove("clusters/web.yaml")
        self.push("Enough of it")
        wait_for(lambda: not self.pods_by_name() and not self.clusters(), RAY_SECONDS_MAX,
                 "the pods' end")
        wait_for(lambda: self.api.object("configmaps", self.namespace, "rayservice.web") is None,
                 RAY_SECONDS_MAX, "the anchor's end")
        self.assertEqual([], self.api.list("services", self.namespace))
        wait_for(lambda: self.service_status() == {}, STATUS_SECONDS_MAX, "no status of it")
