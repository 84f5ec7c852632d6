"""What the rows of fleet.py share: an agent on kubetest's control plane, and the bare creator."""

import json
import math
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import run  # noqa: E402  pylint: disable=wrong-import-position

NAMESPACE = "fleet"
WAIT_SECONDS_MAX = 900
# What the server has added to the body that the agent has posted.
SERVER_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation",
                   "ownerReferences", "namespace")
SERVER_SPEC = ("nodeName", "clusterIP", "clusterIPs")
KINDS = {"pods": "Pod", "services": "Service", "configmaps": "ConfigMap"}


def seconds_until(condition, what, pause=0.1):
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > WAIT_SECONDS_MAX:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(pause)
    return time.monotonic() - begin


def percentile(values, share):
    """The nearest rank's value."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def posted(plural, item, rename=None):
    """One line for the bare creator. With another name it is nothing of the agent's."""
    body = {"apiVersion": "v1", "kind": KINDS[plural], **item}
    body.pop("status", None)
    body["metadata"] = {name: value for name, value in item["metadata"].items()
                        if name not in SERVER_METADATA}
    if rename:
        body["metadata"]["name"] = rename
        labels = body["metadata"].get("labels", {})
        body["metadata"]["labels"] = {name: value for name, value in labels.items()
                                      if name != "ray-gitops.io/agent"}
    if "spec" in body:
        body["spec"] = {name: value for name, value in item["spec"].items()
                        if name not in SERVER_SPEC}
    return f"/api/v1/namespaces/{NAMESPACE}/{plural}\t{json.dumps(body)}\n"


def create_barely(lines):
    """(objects, seconds) of the bare creator; none of them may be refused."""
    done = subprocess.run([ROOT / "build/release/tests/benchmark/bare-creator",
                           os.environ["KUBECONFIG"]], input="".join(lines), capture_output=True,
                          text=True, check=True)
    created, seconds = re.match(r"(\d+) created, 0 refused, ([\d.]+) s", done.stdout).groups()
    return int(created), float(seconds)


class Fleet:
    """One agent with one repository; what it is asked to run, and what it has made of it."""

    def __init__(self):
        import world as lib  # reads the environment that kubetest sets

        self.lib = lib
        world = lib.the_world()
        self.api = world.cluster.api
        self.make_namespace()
        self.agent = world.agent(NAMESPACE)
        self.repository = self.agent.repository

    def close(self):
        for open_world in self.lib.opened():
            open_world.close()

    def make_namespace(self):
        self.api.request("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})

    def start(self):
        self.repository.write("README.md", "a fleet")
        self.repository.push("Nothing yet")
        self.agent.start()
        self.lib.wait_for(self.repository.summary, 60, "a first status commit")

    def declare(self, name, workers, bytes_of_a_pod=0):
        group = self.lib.group_yaml("w", workers, env="x" * bytes_of_a_pod)
        group = group.replace("maxReplicas: 4", "maxReplicas: 100000")
        self.repository.write(f"clusters/{name}.yaml", self.lib.cluster_yaml(name, group))

    def push(self, message):
        self.repository.push(message)
        self.agent.wake()

    def count(self, plural):
        """How many there are, without a list of them."""
        answer = self.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/{plural}?limit=1")
        return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)

    def has_pending(self):
        answer = self.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?limit=1"
                                  "&fieldSelector=status.phase%3DPending")
        return bool(answer["items"])

    def pods(self, query=""):
        """Names and times of pods, page by page."""
        items, more = [], ""
        while True:
            page = self.api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?limit=500"
                                    f"{query}{more}")
            items += page["items"]
            if not page["metadata"].get("continue"):
                return items
            more = "&continue=" + page["metadata"]["continue"]

    def ready(self):
        return self.repository.summary().get("phases", {}).get("Ready", 0)

    def wait_until_ready(self, clusters):
        return seconds_until(lambda: self.ready() == clusters, "all Ready in the status")

    def writes(self):
        return len(re.findall(r" write verb=", self.agent.log()))

    def megabytes(self):
        return run.resident_megabytes(self.agent.pid)

    def silence(self, seconds):
        """(writes but for the Lease, share of a core) of agent and Git child."""
        before, cpu = self.writes(), run.cpu_seconds(self.agent.pid)
        time.sleep(seconds)
        return self.writes() - before, (run.cpu_seconds(self.agent.pid) - cpu) / seconds
