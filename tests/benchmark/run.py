#!/usr/bin/env python3
"""Measures what the design promises in numbers, on this machine, and prints a Markdown table.

    tests/benchmark/run.py [--quick] [--program PATH] > table.md

With real Git, real Ray and the local cluster, as root; about 17 minutes. --quick is 4 minutes:
fewer rounds, and a minute of silence instead of ten.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

FILES = 1000
JOB = """\
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: {name}
spec:
  entrypoint: "true"
  clusterSelector: {{ray.io/cluster: {cluster}}}
"""


def machine():
    """One line: processor, cores, memory, system."""
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text("utf-8").split("\n"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    release = pathlib.Path("/etc/os-release").read_text("utf-8")
    system = [line.split("=")[1].strip('"') for line in release.split("\n")
              if line.startswith("PRETTY_NAME=")]
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system[0]}, "
            f"Linux {platform.release()}")


def measure_until(condition, seconds, what, pause=0.005):
    """Seconds until the condition holds, to about the pause between two looks."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise SystemExit(f"waited in vain for {what}")
        time.sleep(pause)
    return time.monotonic() - begin


def spread(values, unit="s"):
    return (f"{statistics.median(values):.2f} {unit} "
            f"(of {len(values)}: {min(values):.2f} to {max(values):.2f})")


class Bench:
    """One agent and one cluster at a time."""

    def __init__(self, world_module):
        import services_test  # reads the environment as the world does

        self.lib = world_module
        self.services_lib = services_test
        self.world = world_module.the_world()
        self.agent = self.world.agent("benchmark")
        self.repository = self.agent.repository
        self.cluster = "ray"
        self.api.request("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "benchmark"}})
        self.agent.start()

    @property
    def api(self):
        return self.world.cluster.api

    def ask_for(self, workers):
        text = self.lib.cluster_yaml(self.cluster, self.lib.group_yaml("w", workers))
        self.repository.write("clusters/ray.yaml", text)
        commit = self.repository.push(f"{workers} workers")
        self.agent.wake()
        return commit

    def remove(self):
        """By a commit that is released, so that the next round begins with nothing."""
        self.repository.write("clusters/ray.yaml", "# nothing\n")
        self.repository.push("Nothing")
        self.agent.wake()
        hold = self.lib.wait_for(lambda: self.repository.summary().get("hold"), 60, "the hold")
        self.repository.push(f"Yes\n\nRay-Gitops-Release: {hold['id']}")
        self.agent.wake()
        self.lib.wait_for(lambda: not self.pods(), 120, "the removal")

    def pods(self):
        return self.api.pods("benchmark", self.cluster)

    @property
    def head(self):
        return f"{self.cluster}-head"

    def ready_count(self):
        return sum(1 for pod in self.pods().values() if self.lib.is_ready(pod))

    def status_is_ready_at(self, commit):
        summary = self.repository.summary()
        status = self.repository.cluster_status("benchmark", self.cluster)
        return (summary.get("source", {}).get("observedCommit") == commit
                and status.get("phase") == "Ready")

    def settle(self, commit, workers):
        """Seconds to all Ready, and from there to the status commit."""
        up = measure_until(lambda: self.ready_count() == workers + 1 == len(self.pods()), 300,
                           f"a head and {workers} workers")
        told = measure_until(lambda: self.status_is_ready_at(commit), 60, "the status commit")
        return up, told

    def from_nothing(self, rounds):
        """1+2 cluster: wake-up to all Ready; Ready to status commit."""
        ups, tolds = [], []
        for number in range(rounds):
            if number:
                self.remove()
            self.cluster = f"ray-{number}"  # a name that comes and goes is reported more slowly
            up, told = self.settle(self.ask_for(2), 2)
            ups.append(up)
            tolds.append(told)
        return ups, tolds

    def wake_to_pods(self, rounds):
        """A scale-up: wake-up to the pod object in the cluster."""
        created = []
        for _ in range(rounds):
            self.settle(self.ask_for(0), 0)
            self.lib.wait_for(lambda: set(self.pods()) == {self.head}, 120, "no worker")
            self.ask_for(2)
            created.append(measure_until(lambda: len(self.pods()) == 3, 60, "pods"))
            self.lib.wait_for(lambda: self.ready_count() == 3, 300, "workers")
        self.settle(self.ask_for(2), 2)
        return created

    def jobs(self, rounds):
        """On the ready cluster: seconds from wake-up to Succeeded in a status commit, and how many
        of them were Ray's own, from the submission's arrival to the job's end."""
        totals, rays = [], []
        for number in range(rounds):
            name = f"job-{number}"
            text = JOB.format(name=name, cluster=self.cluster)
            self.repository.write(f"clusters/{name}.yaml", text)
            self.repository.push(f"The job {name}")
            self.agent.wake()
            totals.append(measure_until(lambda n=name: self.job_status(n)["phase"] == "Succeeded",
                                        120, f"{name} to succeed"))
            rays.append(self.seconds_in_ray(self.job_status(name)["ray"]["submissionId"]))
        return totals, rays

    def job_status(self, name):
        text = self.repository.status_file(f"objects/benchmark/rayjob/{name}.json")
        return json.loads(text) if text else {"phase": ""}

    def seconds_in_ray(self, submission_id):
        address = self.pods()[self.head]["status"]["podIP"]
        url = f"http://{address}:8265/api/jobs/{submission_id}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            job = json.loads(answer.read())
        return (job["end_time"] - job["start_time"]) / 1000

    def services(self, rounds):
        """A head that serves: seconds from wake-up to the head Ready, from there to Ready in a
        status commit, and what Ray alone takes for that part."""
        self.repository.write("clusters/code.yaml", self.services_lib.CODE)
        ups, tolds, rays = [], [], []
        for number in range(rounds):
            name = f"web-{number}"
            text = self.services_lib.service_yaml("hello").replace("name: web\n", f"name: {name}\n")
            self.repository.write("clusters/web.yaml", text)
            self.repository.push("A service")
            self.agent.wake()
            ups.append(measure_until(lambda: len(self.ready_pods("web-")) == 1, 300, "a head"))
            tolds.append(measure_until(lambda n=name: self.service_phase(n) == "Ready", 120, name))
            self.repository.write("clusters/web.yaml", bare_cluster(text))
            self.repository.push("Its cluster alone")
            self.agent.wake()
            self.lib.wait_for(lambda: self.ready_pods("bare-"), 300, "a bare head")
            head, = self.ready_pods("bare-")
            rays.append(seconds_to_serve(head["status"]["podIP"], serve_config(text)))
            self.repository.remove("clusters/web.yaml")
            self.repository.push("Neither")
            self.agent.wake()
            self.lib.wait_for(lambda: set(self.all_pods()) == set(self.pods()), 120, "its end")
        return ups, tolds, rays

    def all_pods(self):
        return {pod["metadata"]["name"]: pod for pod in self.api.list("pods", "benchmark")}

    def ready_pods(self, prefix):
        return [pod for name, pod in self.all_pods().items()
                if name.startswith(prefix) and self.lib.is_ready(pod)]

    def service_phase(self, name):
        text = self.repository.status_file(f"objects/benchmark/rayservice/{name}.json")
        return json.loads(text)["phase"] if text else ""

    def silence(self, seconds):
        """(status commits, changed objects, CPU share, resident MB) while converged."""
        tip, versions = self.repository.status_tip(), self.api.versions()
        cpu = cpu_seconds(self.agent.pid)
        time.sleep(seconds)
        share = (cpu_seconds(self.agent.pid) - cpu) / seconds
        after = self.api.versions()
        changed = sum(1 for key in versions.keys() | after.keys()
                      if versions.get(key) != after.get(key))
        commits = 0 if self.repository.status_tip() == tip else 1
        return commits, changed, share, resident_megabytes(self.agent.pid)


def serve_config(service_text):
    line, = re.findall(r"^  serveConfigV2: (.*)$", service_text, re.MULTILINE)
    return json.loads(line)


def bare_cluster(service_text):
    """The cluster of a service as a RayCluster."""
    spec = service_text.split("  rayClusterConfig:\n", 1)[1]
    return ("apiVersion: ray.io/v1\nkind: RayCluster\nmetadata:\n  name: bare\nspec:\n"
            + re.sub(r"^  ", "", spec, flags=re.MULTILINE))


def seconds_to_serve(address, config):
    """Past the agent: from the first configuration's PUT until every application is RUNNING."""
    url = f"http://{address}:8265/api/serve/applications/"

    def is_running():
        with urllib.request.urlopen(url, timeout=10) as answer:
            applications = json.loads(answer.read())["applications"].values()
        return applications and all(one["status"] == "RUNNING" for one in applications)

    begin = time.monotonic()
    request = urllib.request.Request(url, method="PUT", data=config.encode(),
                                     headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()
    measure_until(is_running, 120, "Serve")
    return time.monotonic() - begin


def family(pid):
    """The agent and its Git child."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *map(int, children)]


def cpu_seconds(pid):
    """From the scheduler, in nanoseconds: the clock ticks of /proc/PID/stat miss short work."""
    return sum(int(pathlib.Path(f"/proc/{member}/schedstat").read_text("ascii").split()[0])
               for member in family(pid)) / 1e9


def resident_megabytes(pid):
    """Proportional: what agent and child share counts once."""
    total = 0
    for member in family(pid):
        rollup = pathlib.Path(f"/proc/{member}/smaps_rollup").read_text("ascii")
        total += int(re.search(r"^Pss:\s*(\d+)", rollup, re.MULTILINE).group(1))
    return total / 1024


def files_per_second(lib, folder):
    """`validate` over many files, each a cluster of its own."""
    folder.mkdir()
    for number in range(FILES):
        text = lib.cluster_yaml(f"ray-{number}", lib.group_yaml("w", 2))
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    begin = time.monotonic()
    subprocess.run([lib.PROGRAM, "validate", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return FILES / (time.monotonic() - begin)


def measure(lib, quick):
    rows = []
    seconds = 60 if quick else 600
    rate = files_per_second(lib, lib.the_world().folder / "many")
    rows.append(("`validate`", f"{rate:.0f} files/s ({FILES} files)"))
    bench = Bench(lib)
    ups, tolds = bench.from_nothing(1 if quick else 3)
    rows.append(("1 head + 2 workers: wake-up to all Ready", spread(ups)))
    rows.append(("all Ready in the cluster to the status commit (debounce 1 s)", spread(tolds)))
    rows.append(("wake-up to pods created", spread(bench.wake_to_pods(2 if quick else 10))))
    commits, changed, share, resident = bench.silence(seconds)
    rows.append((f"converged for {seconds} s: status commits", str(commits)))
    rows.append((f"converged for {seconds} s: objects written, but for the Lease", str(changed)))
    rows.append(("converged: CPU of agent and Git child (polls every 2 s)",
                 f"{share * 100:.2f} % of a core"))
    rows.append(("converged: memory (PSS) of agent and Git child", f"{resident:.1f} MB"))
    totals, rays = bench.jobs(2 if quick else 10)
    rows.append(("RayJob on a ready cluster: wake-up to Succeeded in a status commit",
                 spread(totals)))
    rows.append(("of that, Ray's own time", spread(rays)))
    ups, tolds, rays = bench.services(1 if quick else 3)
    rows.append(("RayService, a head that serves: wake-up to the head Ready", spread(ups)))
    rows.append(("from there to Ready in a status commit (debounce 1 s)", spread(tolds)))
    rows.append(("of that, Ray's own time (PUT to RUNNING, without the agent)", spread(rays)))
    bench.agent.stop()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--program", help="default: build/release/ray-gitops")
    arguments = parser.parse_args()
    if arguments.program:
        os.environ["RAY_GITOPS_PROGRAM"] = arguments.program
    import world as lib

    version = subprocess.run([lib.PROGRAM, "version"], capture_output=True, text=True,
                             check=True).stdout.strip()
    try:
        rows = measure(lib, arguments.quick)
    finally:
        for open_world in lib.opened():
            open_world.close()
    shutil.rmtree(lib.the_world().folder)
    print(f"{version}, Ray {lib.RAY_VERSION}, {time.strftime('%Y-%m-%d')}: {machine()}\n")
    print("| what | measured |\n|---|---|")
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
