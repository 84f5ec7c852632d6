"""The rows of fleet.py: each makes a fleet and gives (what, measured) pairs."""

import collections
import concurrent.futures
import pathlib
import random
import re
import time

from fleet_lib import NAMESPACE, create_barely, percentile, posted, seconds_until

WORKERS = 3
# One large cluster, and small ones beside it.
SMALL = 50
SMALL_PODS = WORKERS + 1
KILLED_SHARE = 0.1
SPEC_BYTES = 18_000  # of one variable: with what each pod has, 20 KB
HEAVY_WORKERS = 99


def percent(part, whole):
    return f"{100 * part / whole:.0f} %"


def many(fleet, arguments):
    """`clusters` of a head and three workers in one commit; then all that needs them there."""
    clusters, pods = arguments.clusters, arguments.clusters * SMALL_PODS
    for number in range(clusters):
        fleet.declare(f"ray-{number}", WORKERS)
    fleet.push("All of them")
    created = seconds_until(lambda: fleet.count("pods") >= pods
                            and fleet.count("services") >= clusters, "all objects")
    told = created + fleet.wait_until_ready(clusters)
    with open(arguments.folder / "objects", "w", encoding="utf-8") as file:
        for plural in ("configmaps", "services", "pods"):
            for item in fleet.api.list(plural, NAMESPACE, f"ray-gitops.io/agent={NAMESPACE}"):
                file.write(posted(plural, item))
    writes, share = fleet.silence(arguments.silence)
    rate = 6 * clusters / created
    rows = [
        ("wake-up to all objects created", f"{created:.1f} s, {rate:.0f} a second"),
        ("wake-up to all Ready in a status commit", f"{told:.1f} s"),
        (f"converged for {arguments.silence} s: writes but for the Lease", str(writes)),
        ("converged: CPU of agent and Git child, polls every 2 s",
         f"{100 * share:.2f} % of a core"),
        ("memory of agent and Git child (PSS)", f"{fleet.megabytes():.0f} MB"),
    ]
    (arguments.folder / "created").write_text(str(rate), "utf-8")
    return rows + one_more(fleet, clusters) + kill(fleet, clusters) + restart(fleet)


def one_more(fleet, clusters):
    before, pods = fleet.writes(), fleet.count("pods")
    fleet.declare(f"ray-{clusters // 2}", WORKERS + 1)
    fleet.push("One more worker")
    changed = seconds_until(lambda: fleet.count("pods") > pods, "one more pod", 0.01)
    fleet.wait_until_ready(clusters)
    return [("one worker more in one cluster: wake-up to its pod; writes",
             f"{changed:.2f} s; {fleet.writes() - before}")]


def group_of(pod):
    labels = pod["metadata"]["labels"]
    return labels["ray.io/cluster"], labels.get("ray.io/group")


def kill(fleet, clusters):
    """Workers here and there, all at once. A new one may have another slot, and so another name."""
    before = {pod["metadata"]["name"]: pod for pod in fleet.pods()}
    workers = sorted(name for name in before if "-worker-" in name)
    killed = random.Random(1).sample(workers, int(KILLED_SHARE * len(before)))
    sizes = collections.Counter(map(group_of, before.values()))
    lost = {before[name]["metadata"]["uid"] for name in killed}
    kept = {pod["metadata"]["uid"] for pod in before.values()} - lost

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: fleet.api.delete("pods", NAMESPACE, name, 0), killed))
    asked = time.monotonic() - begin
    # The count costs little, but it is an estimate: the list has the last word.
    after = set()

    def replaced():
        if fleet.count("pods") < len(before):
            return False
        pods = fleet.pods()
        after.clear()
        after.update(pod["metadata"]["uid"] for pod in pods)
        return not after & lost and collections.Counter(map(group_of, pods)) == sizes

    seconds_until(replaced, "all killed pods to be replaced", 0.05)
    took = time.monotonic() - begin
    touched = len(kept - after)
    fleet.wait_until_ready(clusters)
    lines = [posted("pods", before[name], f"bare-{name}") for name in killed]
    count, seconds = create_barely(lines)
    remove_bare(fleet)
    return [(f"{len(killed)} of {len(before)} pods killed within {asked:.1f} s: all replaced",
             f"{took:.1f} s; others touched: {touched}"),
            (f"the bare creator on {count} such pods", f"{seconds:.1f} s")]


def remove_bare(fleet):
    """What the bare creator has made beside the fleet."""
    fleet.api.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods"
                      "?labelSelector=%21ray-gitops.io/agent", {"gracePeriodSeconds": 0})


def restart(fleet):
    """Of the agent, with everything converged."""
    fleet.agent.stop()
    folder = fleet.agent.cache.parent
    agent = fleet.lib.Process(folder / "restarted.log", "agent", "--config",
                              folder / "agent.yaml", "--log-level", "debug")
    began = time.time()
    agent.start()
    fleet.lib.wait_for(lambda: "commit in force" in agent.log(), 60, "the commit in force")
    time.sleep(10)
    text = agent.log()
    agent.stop()
    lists = re.findall(r"^(\S+) debug API request .*target=\S*/(\w+)\?label\S*limit=", text, re.M)
    writes = re.findall(r"API request method=(?:POST|PUT|PATCH|DELETE) target=(\S+)", text)
    force, = re.findall(r"^(\S+) info commit in force", text, re.M)
    steady = max(seconds_of(when) for when in [force, *(when for when, _ in lists)]) - began
    plurals = [plural for _, plural in lists]
    pages = ", ".join(f"{plurals.count(plural)} of {plural}" for plural in sorted(set(plurals)))
    others = [target for target in writes if "/leases" not in target]
    return [("restart, all converged: start to the last list and the commit in force",
             f"{steady:.1f} s"),
            ("of that: requests for lists, 500 objects a page", pages),
            ("writes but for the Lease within 10 s", str(len(others)))]


def seconds_of(stamp):
    """Of the log's times."""
    whole, fraction = re.search(r"(.+)\.(\d+)Z", stamp).groups()
    parsed = time.strptime(re.sub(r"\x1b\[[\d;]*m", "", whole), "%Y-%m-%dT%H:%M:%S")
    return time.mktime(parsed) - time.timezone + float(f"0.{fraction}")


def large(fleet, arguments):
    """One cluster without workers gets all of them."""
    fleet.declare("large", 0)
    fleet.push("A head")
    fleet.wait_until_ready(1)
    fleet.declare("large", arguments.workers)
    fleet.push("Its workers")
    created = seconds_until(lambda: fleet.count("pods") > arguments.workers, "all workers", 0.05)
    told = created + fleet.wait_until_ready(1)
    workers = [pod for pod in fleet.pods() if "-worker-" in pod["metadata"]["name"]]
    lines = [posted("pods", pod, "bare-" + pod["metadata"]["name"]) for pod in workers]
    count, seconds = create_barely(lines)
    rate, bare = arguments.workers / created, count / seconds
    return [(f"one cluster, 0 to {arguments.workers} workers: wake-up to all created",
             f"{created:.1f} s, {rate:.0f} a second"),
            ("of the bare creator's rate on the same pods and server",
             f"{percent(rate, bare)} of {bare:.0f} a second"),
            ("wake-up to Ready in a status commit", f"{told:.1f} s"),
            ("memory of agent and Git child (PSS)", f"{fleet.megabytes():.0f} MB")]


def small_times(fleet, series):
    """Seconds from the wake-up until each small cluster has its pods, as a sorted list."""
    names = [f"{series}-{number}" for number in range(SMALL)]
    for name in names:
        fleet.declare(name, WORKERS)
    fleet.push(f"Small ones: {series}")
    begin, done = time.monotonic(), {}

    def look():
        counts = {}
        for pod in fleet.pods("&labelSelector=ray.io/cluster%21%3Dlarge"):
            cluster = pod["metadata"]["labels"]["ray.io/cluster"]
            counts[cluster] = counts.get(cluster, 0) + 1
        for name in names:
            if counts.get(name, 0) == SMALL_PODS:
                done.setdefault(name, time.monotonic() - begin)
        return len(done) == SMALL

    seconds_until(look, "the small clusters", 0.05)
    return sorted(done.values())


def beside(fleet, arguments):
    """Small clusters alone, then as many beside a large one that grows."""
    fleet.declare("large", 0)
    fleet.push("A head")
    fleet.wait_until_ready(1)
    alone = small_times(fleet, "alone")
    fleet.wait_until_ready(1 + SMALL)
    fleet.declare("large", arguments.workers)
    together = small_times(fleet, "beside")
    grown = fleet.count("pods") - 2 * SMALL * SMALL_PODS - 1
    one, other = percentile(alone, 0.99), percentile(together, 0.99)
    return [(f"{SMALL} small clusters alone: wake-up to all pods created, p99", f"{one:.2f} s"),
            (f"beside one that grows by {arguments.workers} workers: p99 of the small ones",
             f"{other:.2f} s, {other / one:.1f} times as long"),
            ("workers that the large one had by then", str(grown))]


def heavy(fleet, arguments):
    """Pods of 20 KB specs."""
    clusters = max(1, arguments.pods // (HEAVY_WORKERS + 1))
    for number in range(clusters):
        fleet.declare(f"ray-{number}", HEAVY_WORKERS, SPEC_BYTES)
    before = fleet.megabytes()
    fleet.push("All of them")
    pods = clusters * (HEAVY_WORKERS + 1)
    created = seconds_until(lambda: fleet.count("pods") >= pods, "all pods", 0.5)
    fleet.wait_until_ready(clusters)
    time.sleep(arguments.silence)
    after = fleet.megabytes()
    fleet.agent.stop()
    fleet.agent.start()
    time.sleep(max(15, arguments.silence))
    return [(f"{pods} pods of 20 KB specs: all created", f"{created:.0f} s"),
            ("memory of agent and Git child (PSS) then", f"{after:.0f} MB"),
            ("of that, for each pod", f"{1024 * (after - before) / pods:.1f} KB"),
            ("after a restart", f"{fleet.megabytes():.0f} MB")]


ROWS = {row.__name__: row for row in (many, large, beside, heavy)}


def nodes_for(row, arguments):
    """KWOK's nodes, so that every pod has a place: 60 on each."""
    pods = {"many": arguments.clusters * SMALL_PODS * 1.1,
            "large": 2 * arguments.workers,
            "beside": arguments.workers + 2 * SMALL * SMALL_PODS,
            "heavy": arguments.pods}[row]
    return 10 + int(pods) // 60


def bare_many(fleet, folder):
    """What `many` made, by the bare creator on a control plane of its own."""
    # A namespace without its service account refuses pods.
    time.sleep(2)
    with open(folder / "objects", encoding="utf-8") as objects:
        count, seconds = create_barely(objects.readlines())
    rate = float(pathlib.Path(folder / "created").read_text("utf-8"))
    return [("of the bare creator's rate on the same objects",
             f"{percent(rate, count / seconds)} of {count / seconds:.0f} a second")]
