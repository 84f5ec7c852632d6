#!/usr/bin/env python3
"""Measures how long examples take in real containers on a real Kubernetes node, and prints a
Markdown table. About four minutes.

    tests/kubernetes/real_node.py ... -- tests/benchmark/containers.py [--rounds N] > table.md

Each round is an example of examples-repo, from the agent's wake-up to what its user waits for; it
is gone before the next one begins.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from run import Bench, machine, measure_until, spread  # noqa: E402

EXAMPLE_SECONDS_MAX = 180
# Looking costs the API server and us CPU time, of which the containers have too little.
PAUSE_SECONDS = 0.1
SERVE_PORT = 8000


class ExampleBench(Bench):
    """Its repository holds one example at a time."""

    answered = None  # the hold that was released last

    def mine(self, plural):
        return self.api.list(plural, selector="ray-gitops.io/agent=benchmark")

    def measure(self, example, is_done, change=lambda text: text):
        """Seconds from wake-up until is_done()."""
        folder = self.repository.work / "clusters"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE.parents[1] / "examples-repo" / example, folder)
        for file in folder.glob("*.yaml"):
            file.write_text(change(file.read_text("utf-8")), "utf-8")
        self.repository.push(example)
        self.agent.wake()
        seconds = measure_until(is_done, EXAMPLE_SECONDS_MAX, example, PAUSE_SECONDS)
        self.clear(folder)
        return seconds

    def clear(self, folder):
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "nothing.yaml").write_text("# nothing\n", "utf-8")
        self.repository.push("Nothing")
        self.agent.wake()
        self.answered = None  # the same removal has the same id in every round
        self.lib.wait_for(self._is_released, EXAMPLE_SECONDS_MAX, "the removal")

    def _is_released(self):
        hold = self.repository.summary().get("hold")
        if hold and hold["id"] != self.answered:
            self.answered = hold["id"]
            self.repository.push(f"Yes\n\nRay-Gitops-Release: {hold['id']}")
            self.agent.wake()
        return not self.mine("pods")

    def cluster_is_ready(self):
        pods = self.mine("pods")
        return len(pods) == 3 and all(map(self.lib.is_ready, pods))

    def job_has_succeeded(self, name):
        text = self.repository.status_file(f"objects/benchmark/rayjob/{name}.json")
        return bool(text) and json.loads(text)["phase"] == "Succeeded"

    def service_answers(self):
        for pod in self.mine("pods"):
            address = pod.get("status", {}).get("podIP")
            if address is None:
                continue
            try:
                with urllib.request.urlopen(f"http://{address}:{SERVE_PORT}/", timeout=1):
                    return True
            except (urllib.error.URLError, OSError):
                pass
        return False


def measure(lib, rounds):
    bench = ExampleBench(lib)
    rows = (
        ("RayCluster, 1 head + 2 workers: all Ready", "< 10 s",
         lambda _: bench.measure("first-cluster", bench.cluster_is_ready,
                               lambda text: text.replace("replicas: 1", "replicas: 2"))),
        ("RayJob on a cluster of its own: Succeeded in a status commit", "< 12 s",
         # By a name of its own: one that has run does not run again.
         lambda number: bench.measure(
             "batch-job", lambda: bench.job_has_succeeded(f"batch-job-{number}"),
             lambda text: text.replace("name: batch-job\n", f"name: batch-job-{number}\n"))),
        ("RayService: answers", "< 12 s",
         lambda _: bench.measure("serve-application", bench.service_answers)),
    )
    table = [(name, spread([each(number) for number in range(rounds)]), target)
             for name, target, each in rows]
    bench.agent.stop()
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if "KUBETEST_DIR" not in os.environ:
        sys.exit("run me by tests/kubernetes/real_node.py")
    import world as lib

    try:
        table = measure(lib, arguments.rounds)
    finally:
        for open_world in lib.opened():
            open_world.close()
    print(f"On: {machine()}.\n\n| What | Measured | Target |\n|---|---|---|")
    for row in table:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
