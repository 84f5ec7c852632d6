"""The examples come up and change while the agent is killed, again and again: everything is as Git
says in the end, every job ran once, and nothing is left over."""

import collections
import random
import shutil
import threading

from crash_test import KILL_WITHIN_SECONDS, orphaned_git_workers
from jobs_test import Counter
from kubernetes import is_ready
from world import KILLS, ROOT, SEED, STATUS_SECONDS_MAX, Story, wait_for

EXAMPLES_SECONDS_MAX = 300
# What each ends as, and with how many pods; the batch job's cluster is gone when it has ended, and
# so are the workers of the elastic one.
OUTCOMES = {
    ("autoscalerpolicy", "examples", "teams"): "Ready",
    ("raycluster", "examples", "first-cluster"): "Ready",
    ("raycluster", "team-blue", "ray"): "Ready",
    ("raycluster", "team-green", "ray"): "Ready",
    ("rayjob", "examples", "batch-job"): "Succeeded",
    ("rayjob", "examples", "failing-job"): "Failed",
    ("rayjob", "examples", "several-hosts"): "Succeeded",
    ("rayjob", "team-blue", "tour"): "Succeeded",
    ("rayjob", "team-green", "wave"): "Succeeded",
    ("rayservice", "serving", "serve-application"): "Ready",
}
PODS = {"examples": 2, "team-blue": 4, "team-green": 1, "serving": 1}


class Examples(Story):
    agent_id = "examples"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.counter = Counter()
        cls.addClassCleanup(cls.counter.close)
        shutil.copytree(ROOT / "examples-repo", cls.repository.work / "clusters")
        cls.count_runs("batch-job/code.yaml", "ray.init()", "    ")
        cls.count_runs("failing-job/rayjob.yaml", 'raise ValueError("the', "")

    @classmethod
    def tear_down_story(cls):
        cls.agent.stop()
        for anchor in cls.mine("configmaps"):
            metadata = anchor["metadata"]
            cls.cluster.api.delete("configmaps", metadata["namespace"], metadata["name"])
        wait_for(lambda: not cls.mine("pods"), EXAMPLES_SECONDS_MAX, "the end of the story's pods")
        wait_for(lambda: not cls.cluster.supervisors(), STATUS_SECONDS_MAX, "their processes' end")

    @classmethod
    def mine(cls, plural):
        return cls.cluster.api.list(plural, selector=f"ray-gitops.io/agent={cls.agent_id}")

    @classmethod
    def count_runs(cls, path, before, indent):
        """Lets the program of a job tell the counter, directly before what it does itself."""
        name = path.split("/")[0]
        call = f'import urllib.request; urllib.request.urlopen("{cls.counter.url(name)}")'
        joint = f"\n{indent}" if indent else "; "
        text = cls.repository.read(f"clusters/{path}")
        assert text.count(before) == 1, f"{path} has another program"
        cls.repository.write(f"clusters/{path}", text.replace(before, f"{call}{joint}{before}"))

    def edit(self, path, before, after):
        text = self.repository.read(f"clusters/{path}")
        self.assertIn(before, text)
        self.repository.write(f"clusters/{path}", text.replace(before, after))

    def change(self, moments):
        """A size, a template and a Serve configuration, all of them as the moment has it."""
        first = self.repository.work / "clusters/first-cluster/raycluster.yaml"
        fresh = (ROOT / "examples-repo/first-cluster/raycluster.yaml").read_text("utf-8")
        memory = moments.choice(["512Mi", "576Mi"])
        size = moments.choice(["replicas: 0", "replicas: 1"])
        first.write_text(fresh.replace("512Mi", memory).replace("replicas: 1", size), "utf-8")
        greeting = moments.choice(["Bonjour", "Salve"])
        service = "serve-application/rayservice.yaml"
        shutil.copy(ROOT / "examples-repo" / service, self.repository.work / "clusters" / service)
        self.edit(service, "greeting: Hello", f"greeting: {greeting}")
        return self.push(f"{memory}, {size}, {greeting}")

    def as_shipped(self):
        for path in ("first-cluster/raycluster.yaml", "serve-application/rayservice.yaml"):
            shutil.copy(ROOT / "examples-repo" / path, self.repository.work / "clusters" / path)
        return self.push("As shipped")

    def phases(self):
        found = {}
        for key in OUTCOMES:
            kind, namespace, name = key
            status = self.repository.status_json(f"objects/{namespace}/{kind}/{name}.json") or {}
            is_newest = status.get("applied", {}).get("hash") in ("", status.get("spec", {}).get(
                "hash"))
            found[key] = status.get("phase") if is_newest else "outdated"
        return found

    def wait_for_the_end(self, commit):
        def reached():
            observed = self.repository.summary().get("source", {}).get("observedCommit")
            pods = self.mine("pods")
            counts = collections.Counter(pod["metadata"]["namespace"] for pod in pods)
            return (observed == commit and self.phases() == OUTCOMES and counts == PODS and
                    all(map(is_ready, pods)))
        try:
            wait_for(reached, EXAMPLES_SECONDS_MAX, "the examples to be as they say")
        except AssertionError as error:
            raise AssertionError(f"{error}; seed {SEED}, status: {self.phases()}") from None

    def test_the_examples_end_as_they_say_however_often_the_agent_is_killed(self):
        moments = random.Random(SEED)
        self.push("The examples")
        self.agent.start()
        for number in range(KILLS):
            threading.Event().wait(moments.uniform(0, KILL_WITHIN_SECONDS))
            self.agent.kill()
            self.agent.start()
            if number % 4 == 3:
                self.change(moments)
        self.wait_for_the_end(self.as_shipped())
        self.assertEqual({"batch-job": 1, "failing-job": 1}, dict(self.counter.counts))
        wait_for(lambda: not orphaned_git_workers(), STATUS_SECONDS_MAX, "the workers' end")
