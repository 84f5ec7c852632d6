#!/usr/bin/env python3
"""Measures many clusters on a real control plane with fake nodes, and prints a Markdown table.

    tests/benchmark/fleet.py --kubetest PATH [--clusters N] [--silence SECONDS] > table.md

One commit declares N clusters of a head and three workers each. Then the same objects are posted to
another control plane by the bare creator (scripts/build release bare-creator). Some minutes, and a
quiet machine.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

WORKERS = 3
NAMESPACE = "fleet"
CREATE_SECONDS_MAX = 600
READY_SECONDS_MAX = 600
# What the server has added to the body that the agent has posted.
SERVER_METADATA = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation",
                   "ownerReferences", "namespace")
SERVER_SPEC = ("nodeName", "clusterIP", "clusterIPs")


def count(api, plural):
    """How many there are, without a list of them."""
    answer = api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/{plural}?limit=1")
    return len(answer["items"]) + answer["metadata"].get("remainingItemCount", 0)


def seconds_until(condition, seconds, what):
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(0.1)
    return time.monotonic() - begin


def posted(plural, item):
    """One line for the bare creator."""
    body = {"apiVersion": "v1", "kind": {"pods": "Pod", "services": "Service",
                                         "configmaps": "ConfigMap"}[plural], **item}
    body.pop("status", None)
    body["metadata"] = {name: value for name, value in item["metadata"].items()
                        if name not in SERVER_METADATA}
    if "spec" in body:
        body["spec"] = {name: value for name, value in item["spec"].items()
                        if name not in SERVER_SPEC}
    return f"/api/v1/namespaces/{NAMESPACE}/{plural}\t{json.dumps(body)}\n"


class AgentStage:
    """The agent makes them; rows, and the file of what it posted."""

    def __init__(self, clusters):
        import run
        import world as lib

        self.run, self.lib, self.clusters = run, lib, clusters
        self.pods = clusters * (WORKERS + 1)
        world = lib.the_world()
        self.api = world.cluster.api
        self.api.request("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.agent = world.agent(NAMESPACE)
        self.repository = self.agent.repository

    def declare(self, number, workers):
        text = self.lib.cluster_yaml(f"ray-{number}", self.lib.group_yaml("w", workers))
        self.repository.write(f"clusters/ray-{number}.yaml", text)

    def push(self, message):
        self.repository.push(message)
        self.agent.wake()

    def ready(self):
        return self.repository.summary().get("phases", {}).get("Ready", 0)

    def writes(self):
        return len(re.findall(r" write verb=", self.agent.log()))

    def measure(self, silence):
        self.repository.write("README.md", "a fleet")
        self.repository.push("Nothing yet")
        self.agent.start()
        self.lib.wait_for(lambda: self.repository.summary(), 60, "a first status commit")
        for number in range(self.clusters):
            self.declare(number, WORKERS)
        self.push("All of them")
        created = seconds_until(lambda: count(self.api, "pods") >= self.pods
                                and count(self.api, "services") >= self.clusters,
                                CREATE_SECONDS_MAX, "all pods")
        told = created + seconds_until(lambda: self.ready() == self.clusters, READY_SECONDS_MAX,
                                       "all Ready in the status")
        objects = self.pods + 2 * self.clusters
        return {"objects": objects, "created": created, "told": told, **self.afterwards(silence)}

    def afterwards(self, silence):
        before, cpu = self.writes(), self.run.cpu_seconds(self.agent.pid)
        time.sleep(silence)
        share = (self.run.cpu_seconds(self.agent.pid) - cpu) / silence
        writes = self.writes() - before
        resident = self.run.resident_megabytes(self.agent.pid)
        self.declare(self.clusters // 2, WORKERS + 1)
        self.push("One more worker")
        changed = seconds_until(lambda: count(self.api, "pods") > self.pods, 60, "one more pod")
        return {"silence": silence, "share": share, "writes": writes, "resident": resident,
                "changed": changed, "changed_writes": self.writes() - before - writes}

    def record(self, path):
        with open(path, "w", encoding="utf-8") as file:
            for plural in ("configmaps", "services", "pods"):
                for item in self.api.list(plural, NAMESPACE, f"ray-gitops.io/agent={NAMESPACE}"):
                    file.write(posted(plural, item))


def agent_stage(folder, arguments):
    stage = AgentStage(arguments.clusters)
    try:
        rows = stage.measure(arguments.silence)
        stage.record(folder / "objects")
        (folder / "rows.json").write_text(json.dumps(rows), "utf-8")
    finally:
        for open_world in stage.lib.opened():
            open_world.close()


def bare_stage(folder):
    from kubernetes import Kubernetes

    kubeconfig = pathlib.Path(os.environ["KUBECONFIG"])
    Kubernetes(kubeconfig).request("POST", "/api/v1/namespaces", {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    # A namespace without its service account refuses pods.
    time.sleep(2)
    with open(folder / "objects", "rb") as objects:
        done = subprocess.run([ROOT / "build/release/tests/benchmark/bare-creator", kubeconfig],
                              stdin=objects, capture_output=True, text=True, check=True)
    (folder / "bare").write_text(done.stdout, "utf-8")


def table(folder):
    rows = json.loads((folder / "rows.json").read_text("utf-8"))
    created, seconds = re.match(r"(\d+) created, 0 refused, ([\d.]+) s",
                                (folder / "bare").read_text("utf-8")).groups()
    rate, bare = rows["objects"] / rows["created"], int(created) / float(seconds)
    return [
        ("wake-up to all objects created",
         f"{rows['created']:.1f} s ({rows['objects']} objects, {rate:.0f} a second)"),
        ("the bare creator on the same objects", f"{bare:.0f} a second"),
        ("of the bare creator's rate", f"{100 * rate / bare:.0f} %"),
        ("wake-up to all Ready in a status commit", f"{rows['told']:.1f} s"),
        ("memory (PSS) of agent and Git child", f"{rows['resident']:.0f} MB"),
        (f"converged for {rows['silence']} s: writes but for the Lease", str(rows["writes"])),
        ("converged: CPU of agent and Git child (polls every 2 s)",
         f"{100 * rows['share']:.2f} % of a core"),
        ("one worker more in one cluster: wake-up to its pod", f"{rows['changed']:.2f} s"),
        ("of that: writes", str(rows["changed_writes"])),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kubetest", help="the control plane: ensure_kubetest in scripts/lib.sh")
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--silence", type=int, default=600, help="seconds")
    parser.add_argument("--stage", choices=("agent", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage == "agent":
        return agent_stage(arguments.folder, arguments)
    if arguments.stage == "bare":
        return bare_stage(arguments.folder)
    with tempfile.TemporaryDirectory(prefix="ray-gitops-fleet-") as name:
        for stage in ("agent", "bare"):
            nodes = 10 + arguments.clusters * (WORKERS + 1) // 60
            subprocess.run([arguments.kubetest, "up", "-nodes", str(nodes), "--", sys.executable,
                            __file__, "--stage", stage, "--folder", name,
                            "--clusters", str(arguments.clusters),
                            "--silence", str(arguments.silence)], check=True)
        import run

        print(f"{arguments.clusters} clusters: {run.machine()}\n\n| what | measured |\n|---|---|")
        for what, value in table(pathlib.Path(name)):
            print(f"| {what} | {value} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
