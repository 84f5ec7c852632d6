"""Jobs on real Ray: each runs as often as Git says, and its outcome is in Git first."""

import collections
import http.server
import json
import os
import random
import threading
import urllib.request

from world import (KILLS, PODS_SECONDS_MAX, RAY_VERSION, SEED, STATUS_SECONDS_MAX, Story,
                   cluster_yaml, stays, wait_for)

# The bridge's address: what pods reach of the host.
BRIDGE_ADDRESS = os.environ.get("E2E_HOST_ADDRESS", "10.89.0.1")
RAY_SECONDS_MAX = 90


class Counter:
    """Counts how often each job's program really ran: every run calls here, past the agent."""

    def __init__(self):
        counts = self.counts = collections.Counter()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                counts[self.path.strip("/")] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format, *args):  # it has nothing to say
                pass

        self._server = http.server.ThreadingHTTPServer((BRIDGE_ADDRESS, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def url(self, name):
        """Where a run counts as `name`."""
        return f"http://{BRIDGE_ADDRESS}:{self._server.server_port}/{name}"

    def program(self, name, then):
        """An entrypoint that counts as `name`, then goes on."""
        return ("python -c 'import time, urllib.request; "
                f"urllib.request.urlopen(\"{self.url(name)}\"); {then}'")


def job_yaml(name, entrypoint, selector=None, annotations=None, cluster=cluster_yaml("any"),
             **spec):
    """A RayJob on the cluster `selector`, or with one of its own, a RayCluster's: a head alone."""
    lines = ["apiVersion: ray.io/v1", "kind: RayJob", "metadata:", f"  name: {name}"]
    if annotations:
        lines.append(f"  annotations: {json.dumps(annotations)}")
    lines += ["spec:", f"  entrypoint: {json.dumps(entrypoint)}"]
    lines += [f"  {field}: {json.dumps(value)}" for field, value in spec.items()]
    if selector:
        return "\n".join([*lines, f"  clusterSelector: {{ray.io/cluster: {selector}}}", ""])
    cluster_spec = cluster.split("spec:\n", 1)[1]
    lines.append("  rayClusterSpec:")
    return "\n".join(lines) + "\n" + "".join(f"  {line}\n" for line in cluster_spec.splitlines())


class JobStory(Story):
    """Jobs, with what counts their runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.counter = Counter()
        cls.addClassCleanup(cls.counter.close)
        cls.agent.start()

    @property
    def counts(self):
        return self.counter.counts

    def declare(self, name, *arguments, **more):
        self.repository.write(f"clusters/{name}.yaml", job_yaml(name, *arguments, **more))
        return self.push(f"The job {name}")

    def job_status(self, name):
        path = f"objects/{self.namespace}/rayjob/{name}.json"
        text = self.repository.status_file(path)
        return json.loads(text) if text else {}

    def ledger(self, name):
        """Runs of the job that are on record."""
        text = self.repository.status_file(f"ledger/{self.namespace}/{name}.json")
        return json.loads(text)["runs"] if text else []

    def wait_for_job(self, name, phase, seconds=PODS_SECONDS_MAX, **members):
        def reached():
            status = self.job_status(name)
            fits = all(status.get(member) == value for member, value in members.items())
            return status if fits and status.get("phase") == phase else None
        try:
            return wait_for(reached, seconds, f"{name} {phase} {members}")
        except AssertionError as error:
            raise AssertionError(f"{error}; status: {self.job_status(name)}") from None

    def pods_of_job(self, name):
        prefix = name + "-"
        return [pod for pod in self.api.list("pods", self.namespace)
                if pod["metadata"]["name"].startswith(prefix)]

    def anchor(self, name):
        return self.api.object("configmaps", self.namespace, f"rayjob.{name}")


class OnOneCluster(JobStory):
    """Jobs on a cluster that is there: two seconds each."""

    agent_id = "jobs-shared"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.repository.write("clusters/shared.yaml", cluster_yaml("shared").replace(
            "headGroupSpec:", "headGroupSpec:\n    serviceType: NodePort"))
        cls.repository.push("A cluster for all of them")
        cls.agent.wake()

    def test_0_the_head_answers_at_its_services_address(self):
        self.wait_for_pods("shared")
        service = self.api.object("services", self.namespace, "shared-head-svc")
        url = f"http://{service['spec']['clusterIP']}:8265/api/version"
        with urllib.request.urlopen(url, timeout=10) as answer:
            self.assertEqual(RAY_VERSION, json.loads(answer.read())["ray_version"])

    def test_1_succeeds_and_runs_once(self):
        self.declare("first", self.counter.program("first", "print(42)"), "shared")
        status = self.wait_for_job("first", "Succeeded")
        self.assertEqual("SUCCEEDED", status["ray"]["jobStatus"])
        self.assertEqual("Succeeded", self.ledger("first")[0]["result"])
        self.assertEqual(1, self.counts["first"])

    def test_2_failure_says_why_and_nothing_secret(self):
        fails = self.counter.program(
            "fails", "raise ValueError(\"no rows at https://me:hunter2@example.org\")")
        self.declare("fails", fails, "shared")
        status = self.wait_for_job("fails", "Failed", reason="JobFailed")
        self.assertIn("ValueError: no rows at https://***@example.org", status["message"])
        for path in self.repository.status_files():
            self.assertNotIn("hunter2", self.repository.status_file(path), path)
        self.assertEqual(1, self.counts["fails"])

    def test_3_killed_agents_run_it_once(self):
        moments = random.Random(SEED)
        for number in range(KILLS):
            name = f"killed-{number}"
            self.declare(name, self.counter.program(name, "time.sleep(2)"), "shared")
            threading.Event().wait(moments.uniform(0, 4))
            self.agent.kill()
            self.agent.start()
        for number in range(KILLS):
            name = f"killed-{number}"
            self.wait_for_job(name, "Succeeded", RAY_SECONDS_MAX)
            self.assertEqual(1, self.counts[name], f"{name}, seed {SEED}")

    def test_4_removed_file_stops_it_and_is_remembered(self):
        text = job_yaml("endless", self.counter.program("endless", "time.sleep(600)"), "shared")
        self.repository.write("clusters/endless.yaml", text)
        self.push("An endless job")
        self.wait_for_job("endless", "Running", reason="JobRunning")
        self.repository.remove("clusters/endless.yaml")
        self.push("Enough of it")
        wait_for(lambda: self.anchor("endless") is None, RAY_SECONDS_MAX, "the anchor's end")
        self.assertEqual("FileRemoved", self.ledger("endless")[0]["reason"])
        self.repository.write("clusters/endless.yaml", text)
        self.push("Back again")
        self.wait_for_job("endless", "Failed", reason="FileRemoved")
        stays(lambda: self.counts["endless"] == 1, 3, "one run")
        again = self.counter.program("endless", "time.sleep(600)")
        self.declare("endless", again, "shared", annotations={"ray-gitops.io/run": "2"})
        wait_for(lambda: self.counts["endless"] == 2, RAY_SECONDS_MAX, "the second run")

    def test_5_an_edit_waits_for_the_run(self):
        self.declare("edited", self.counter.program("before", "time.sleep(8)"), "shared")
        self.wait_for_job("edited", "Running", reason="JobRunning")
        self.declare("edited", self.counter.program("after", "print(1)"), "shared")
        wait_for(lambda: "waits" in self.job_status("edited").get("message", ""),
                 STATUS_SECONDS_MAX, "a word about the edit")
        wait_for(lambda: len(self.ledger("edited")) == 2, RAY_SECONDS_MAX, "both runs on record")
        self.assertEqual((1, 1), (self.counts["before"], self.counts["after"]))

    def test_6_deadline(self):
        self.declare("late", self.counter.program("late", "time.sleep(600)"), "shared",
                     activeDeadlineSeconds=6)
        self.wait_for_job("late", "Failed", reason="DeadlineExceeded")
        self.assertEqual(1, self.counts["late"])


class OnTheirOwn(JobStory):
    """Jobs with clusters of their own."""

    agent_id = "jobs-own"

    def test_1_the_cluster_goes_after_the_outcome_is_on_record(self):
        self.declare("own", self.counter.program("own", "print(1)"),
                     shutdownAfterJobFinishes=True)
        self.wait_for_job("own", "Succeeded")
        wait_for(lambda: not self.pods_of_job("own"), RAY_SECONDS_MAX, "the cluster's end")
        self.assertEqual("JobSucceeded", self.ledger("own")[0]["reason"])
        self.assertIsNotNone(self.anchor("own"))
        self.assertEqual(1, self.counts["own"])
        # Nor does it run again where everything of it but Git is lost.
        self.api.delete("configmaps", self.namespace, "rayjob.own")
        wait_for(lambda: self.anchor("own"), STATUS_SECONDS_MAX, "the anchor again")
        self.wait_for_job("own", "Succeeded")
        stays(lambda: not self.pods_of_job("own"), 3, "no cluster")

    def test_2_a_lost_head_is_tried_again_as_often_as_allowed(self):
        self.declare("once", self.counter.program("once", "time.sleep(600)"),
                     shutdownAfterJobFinishes=True)
        self.lose_head("once")
        self.wait_for_job("once", "Failed", reason="HeadLost")
        self.assertEqual(1, self.counts["once"])
        self.declare("twice", self.counter.program("twice", "time.sleep(15)"),
                     shutdownAfterJobFinishes=True, backoffLimit=1)
        self.lose_head("twice")
        status = self.wait_for_job("twice", "Succeeded")
        self.assertEqual(2, status["ray"]["attempt"])
        self.assertEqual(2, self.counts["twice"])

    def test_3_removed_file_takes_the_running_cluster_away(self):
        self.declare("unwanted", self.counter.program("unwanted", "time.sleep(600)"))
        self.wait_for_job("unwanted", "Running", reason="JobRunning")
        self.repository.remove("clusters/unwanted.yaml")
        self.push("Enough of it")
        wait_for(lambda: self.anchor("unwanted") is None, RAY_SECONDS_MAX, "the anchor's end")
        wait_for(lambda: not self.pods_of_job("unwanted"), RAY_SECONDS_MAX, "the cluster's end")
        self.assertEqual("FileRemoved", self.ledger("unwanted")[0]["reason"])
        self.assertEqual(1, self.counts["unwanted"])

    def lose_head(self, name):
        wait_for(lambda: self.counts[name] == 1, PODS_SECONDS_MAX, f"{name} to run")
        self.wait_for_job(name, "Running", reason="JobRunning")
        head, = self.pods_of_job(name)
        self.api.delete("pods", self.namespace, head["metadata"]["name"], grace=0)
