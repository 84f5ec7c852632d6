"""Clusters that ask for a token: it is made, shown, and made anew, with real Ray."""

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request

import elastic
import jobs_test
import services_test
from kubernetes import uids
from world import (PODS_SECONDS_MAX, PROGRAM, STATUS_SECONDS_MAX, Story, cluster_yaml, is_ready,
                   wait_for)

def with_token(document):
    """The same with a token for its cluster."""
    return re.sub(r"^( +)headGroupSpec:", r"\1authOptions: {mode: token}\n\1headGroupSpec:",
                  document, count=1, flags=re.MULTILINE)


JOB = f"""\
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: guarded
spec:
  entrypoint: >-
    python -c 'import ray; print(ray.get(ray.remote(num_cpus=1)(lambda: 7).remote()))'
  clusterSelector: {{ray.io/cluster: elastic}}
"""


class Secrets(Story):
    """What needs no real Ray."""

    agent_id = "secrets-agent"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.start()

    def secret(self, name="ray"):
        return self.api.object("secrets", self.namespace, name)

    def declare(self, name="ray"):
        self.repository.write(f"clusters/{name}.yaml", with_token(cluster_yaml(name)))
        return self.push("A cluster that asks for a token")

    def test_1_a_secret_is_made_before_the_head(self):
        commit = self.declare()
        pods = self.wait_for_pods("ray")
        self.wait_for_status("ray", "Ready", commit)
        made = self.secret()
        self.assertEqual(32, len(base64.b64decode(base64.b64decode(made["data"]["auth_token"]))))
        self.assertTrue(made["immutable"])
        environment = {entry["name"]: entry for entry in
                       pods["ray-head"]["spec"]["containers"][0]["env"]}
        self.assertEqual("token", environment["RAY_AUTH_MODE"]["value"])
        self.assertEqual({"name": "ray", "key": "auth_token"},
                         environment["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"])

    def test_2_an_agent_that_starts_again_changes_nothing(self):
        before, secret = self.pods("ray"), self.secret()
        self.agent.kill()
        self.agent.start()
        self.wait_for_observed(self.push_something())
        self.assert_untouched("ray", before)
        self.assertEqual(secret["metadata"], self.secret()["metadata"])

    def push_something(self):
        self.repository.write("README.md", "Something that is not watched.\n")
        return self.push("Something else")

    def test_3_one_that_is_deleted_is_made_anew_while_no_agent_runs_or_one_does(self):
        for stops in (False, True):
            before, token = self.pods("ray"), self.secret()["data"]
            if stops:
                self.agent.kill()
            self.api.remove("secrets", self.namespace, "ray")
            if stops:
                self.agent.start()
            wait_for(lambda before=before: uids(self.pods("ray")).get("ray-head", "") not in
                     ("", uids(before)["ray-head"]), PODS_SECONDS_MAX, "another head")
            self.wait_for_pods("ray")
            self.assertNotEqual(token, self.secret()["data"])

    def test_4_one_of_somebody_else_is_not_used(self):
        theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other"},
                  "data": {"auth_token": "c2VzYW1l"}}
        self.api.create("secrets", self.namespace, theirs)
        self.declare("other")
        status = self.wait_for_status("other", "Degraded")
        self.assertEqual("NameTaken", status["reason"])
        self.assertIn(f"Secret/{self.namespace}/other", status["message"])
        self.assertEqual({}, self.pods("other"))
        self.api.remove("secrets", self.namespace, "other")
        self.wait_for_pods("other")
        self.assertNotEqual(theirs["data"], self.secret("other")["data"])

    def test_5_nor_is_one_that_stands_in_git_until_that_is_gone(self):
        self.repository.write("clusters/secret.yaml", "apiVersion: v1\nkind: Secret\n"
                              "metadata: {name: third}\nstringData: {auth_token: theirs}\n")
        self.push("A Secret")
        wait_for(lambda: self.secret("third"), STATUS_SECONDS_MAX, "the Secret in Git")
        self.declare("third")
        self.assertEqual("NameTaken", self.wait_for_status("third", "Degraded")["reason"])
        self.repository.remove("clusters/secret.yaml")
        self.push("No Secret")
        self.wait_for_pods("third")

    def test_6_it_leaves_with_its_cluster(self):
        self.repository.remove("clusters/other.yaml")
        self.push("No other")
        wait_for(lambda: self.secret("other") is None, PODS_SECONDS_MAX, "the Secret's end")
        self.assertIsNotNone(self.secret())


def status_of(url, token=None):
    """The HTTP status that a head answers with."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10):
            return 200
    except urllib.error.HTTPError as error:
        return error.code


class Tokens(Story):
    agent_id = "token-agent"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.start()

    def secret(self):
        return self.api.object("secrets", self.namespace, "elastic")

    def token(self):
        return base64.b64decode(self.secret()["data"]["auth_token"]).decode()

    def head_status(self, token=None):
        head = self.pods("elastic")["elastic-head"]
        return status_of(f"http://{head['status']['podIP']}:8265/api/version", token)

    def phase(self, kind, name):
        path = f"objects/{self.namespace}/{kind}/{name}.json"
        return json.loads(self.repository.status_file(path) or "{}").get("phase")

    def wait_for_job(self, name):
        phase = wait_for(lambda: self.phase("rayjob", name) if self.phase("rayjob", name) in
                         ("Succeeded", "Failed") else None, elastic.JOB_SECONDS_MAX,
                         "the end of the job")
        self.assertEqual("Succeeded", phase)

    def test_1_the_head_answers_nobody_without_it(self):
        self.repository.write("clusters/elastic.yaml",
                              with_token(elastic.cluster_yaml(elastic.group_yaml("small", 2))))
        commit = self.push("A cluster that asks for a token")
        self.wait_for_pods("elastic")
        self.wait_for_status("elastic", "Ready", commit)
        self.assertEqual((401, 403, 200), (
            self.head_status(), self.head_status("wrong"), self.head_status(self.token())))

    def run_job(self, name):
        """On a worker that comes for it and leaves drained."""
        self.repository.write("clusters/job.yaml", JOB.replace("guarded", name))
        self.push("A job")
        self.wait_for_job(name)
        wait_for(lambda: set(self.pods("elastic")) == {"elastic-head"}, PODS_SECONDS_MAX,
                 "the drained worker's end")

    def test_2_a_job_runs_on_workers_that_came_for_it(self):
        self.run_job("first")

    def test_3_a_lost_token_is_made_anew_and_the_cluster_with_it(self):
        before, old = self.pods("elastic"), self.token()
        self.api.remove("secrets", self.namespace, "elastic")

        def restarted():
            pods = self.pods("elastic")
            new = uids(pods).get("elastic-head")
            return new not in (None, uids(before)["elastic-head"]) and is_ready(
                pods["elastic-head"])
        wait_for(restarted, PODS_SECONDS_MAX, "another head")
        self.assertNotEqual(old, self.token())
        self.assertEqual((403, 200), (self.head_status(old), self.head_status(self.token())))

    def test_4_another_job_runs_with_the_new_token(self):
        self.run_job("second")

    def test_5_a_token_reaches_neither_git_nor_the_log(self):
        branch = [self.repository.status_file(name) for name in self.repository.status_files()]
        seen = {"log": self.agent.log(), "branch": json.dumps(branch), "plan": self.plan()}
        for place, text in seen.items():
            self.assertIn("elastic", text)
            for shown in (self.token(), self.secret()["data"]["auth_token"]):
                self.assertNotIn(shown, text, place)

    def plan(self):
        done = subprocess.run(
            [PROGRAM, "plan", "--config", self.agent.cache.parent / "agent.yaml", "--output",
             "json"], capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def test_6_jobs_and_services_have_clusters_that_ask(self):
        self.repository.write("clusters/own.yaml", with_token(
            jobs_test.job_yaml("own", "python -c 'import ray; ray.init()'")))
        self.push("A job with a cluster of its own")
        self.wait_for_job("own")
        self.repository.write("clusters/code.yaml", services_test.CODE)
        self.repository.write("clusters/web.yaml", with_token(services_test.service_yaml("Hello")))
        self.push("A service")
        wait_for(lambda: self.phase("rayservice", "web") == "Ready", elastic.JOB_SECONDS_MAX,
                 "the service")
        owned = [secret["metadata"]["name"] for secret in self.api.list("secrets", self.namespace)]
        self.assertTrue(any(name.startswith("web-") for name in owned), owned)

    def test_7_it_leaves_when_nobody_is_asked_any_more(self):
        self.repository.write("clusters/elastic.yaml",
                              elastic.cluster_yaml(elastic.group_yaml("small", 2)))
        commit = self.push("No token")
        self.wait_for_status("elastic", "Ready", commit)
        wait_for(lambda: self.secret() is None, PODS_SECONDS_MAX, "the Secret's end")
        self.wait_for_pods("elastic")
        self.assertEqual(200, self.head_status())
