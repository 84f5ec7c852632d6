"""The rows of autoscaling_fleet.py: each makes a fleet and gives (what, measured, target) triples,
and whether all is as it must be."""

import json
import pathlib
import random
import re
import statistics
import subprocess
import threading
import time

from fleet_lib import HERE, NAMESPACE, Fleet, create_barely, percentile, posted, seconds_until
from fleet_rows import percent

IDLE_SECONDS = 60
WORKERS_MAX = 6  # of clusters of which there are many
LONG_TASK_SECONDS = 3600
# An agent asks a head less often once it has been quiet for a minute.
QUIET_AFTER_SECONDS = 65
SETTLE_SECONDS = 10  # until the server has done what follows from a burst
TOO_MANY_SECONDS = 5  # in which what is too many would come

# Of black-holes.
SILENT_SHARE = 0.01
DEMANDING_SHARE = 0.4
DEMAND_SPREAD_SECONDS = 10
TIMES_AS_LONG_MAX = 1.5

# Of random.
RANDOM_CLUSTERS = 20
RANDOM_CPUS = 2  # of a worker, so that one may be half busy
RANDOM_IDLE_SECONDS = 4
RANDOM_TASK_SECONDS_MAX = 20
RANDOM_PAUSE_SECONDS_MAX = 4
JOIN_SECONDS_MAX = 3
REFUSED_SHARE = 0.3
# Nothing leaves in an agent's first minute, then a worker of each cluster every ten seconds, those
# that refused half a minute later.
END_SECONDS_MAX = 240


class FakeHeads:
    """The process of fake_heads.py; its commands are its methods."""

    def __init__(self, lib):
        python = pathlib.Path(lib.ENVIRONMENTS, lib.RAY_VERSION, "bin/python")
        self._lock = threading.Lock()
        self._process = subprocess.Popen([python, HERE / "fake_heads.py", NAMESPACE], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __getattr__(self, command):
        return lambda *arguments: self._ask([command, *arguments])

    def _ask(self, command):
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()


class ScalingFleet(Fleet):
    """A fleet whose clusters scale with what their fake heads are asked to run."""

    def __init__(self):
        super().__init__()
        self.heads = FakeHeads(self.lib)
        self.heads.figures()  # it listens

    def close(self):
        super().close()
        self.heads.close()

    def declare_scaling(self, name, most, least=0, cpus=1, idle_seconds=IDLE_SECONDS):
        group = self.lib.group_yaml("w", least)
        for before, after in (("minReplicas: 0", f"minReplicas: {least}"),
                              ("maxReplicas: 4", f"maxReplicas: {most}"),
                              ('cpu: "1"', f'cpu: "{cpus}"')):
            group = group.replace(before, after)
        text = self.lib.cluster_yaml(name, group)
        text = text.replace("spec:\n", "spec:\n  enableInTreeAutoscaling: true\n"
                            f"  autoscalerOptions: {{idleTimeoutSeconds: {idle_seconds}}}\n", 1)
        text = text.replace("rayStartParams: {}", 'rayStartParams: {num-cpus: "0"}', 1)
        self.repository.write(f"clusters/{name}.yaml", text)

    def declare_many(self, names, least=0, **how):
        for name in names:
            self.declare_scaling(name, WORKERS_MAX, least, **how)
        self.push("All of them")
        self.wait_until_ready(len(names))
        seconds_until(lambda: self.heads.figures()["heads"] == len(names), "all heads")

    def cluster(self, name):
        return self.heads.figures()["clusters"][name]

    def observed(self):
        return self.repository.summary().get("source", {}).get("observedCommit")

    def anchor_writes(self):
        return len(re.findall(r' write verb="\w+" object="ConfigMap/[^"]*/raycluster\.',
                              self.agent.log()))


def create_copies(fleet, pod, count, prefix):
    """(seconds to all created, seconds to all running) of the bare creator."""
    _, seconds = create_barely([posted("pods", pod, f"{prefix}-{number}")
                                for number in range(count)])
    running = seconds + seconds_until(lambda: not fleet.has_pending(), "the copies to run")
    time.sleep(SETTLE_SECONDS)
    return seconds, running


def burst(fleet, arguments):
    """One cluster gets all its workers for as many tasks, between two runs of the bare creator: how
    fast a server is depends on what it has been through."""
    workers = arguments.workers
    fleet.declare_scaling("large", 2 * workers)
    fleet.push("A head")
    fleet.wait_until_ready(1)
    fleet.heads.tasks("large", [LONG_TASK_SECONDS])
    seconds_until(lambda: fleet.cluster("large")["nodes"] > 0, "a worker to copy")
    pod, = (pod for pod in fleet.pods() if "-worker-" in pod["metadata"]["name"])
    bare = [create_copies(fleet, pod, workers, "before")]
    before = fleet.anchor_writes()
    fleet.heads.tasks("large", [LONG_TASK_SECONDS] * workers)
    running = seconds_until(lambda: fleet.cluster("large")["nodes"] > workers, "all workers")
    time.sleep(TOO_MANY_SECONDS)
    large, writes = fleet.cluster("large"), fleet.anchor_writes() - before
    created = large["last"] - large["first"]
    bare.append(create_copies(fleet, pod, workers, "after"))
    return [(f"{workers} tasks at once, first to last worker created",
             f"{created:.1f} s, {workers / created:.0f} a second", ""),
            ("of the bare creator's rate on the same server, before and after",
             " and ".join(f"{percent(seconds, created)} of {workers / seconds:.0f} a second"
                          for seconds, _ in bare), ">= 80 %"),
            ("tasks to the last worker running; of the bare creator's rate to that",
             f"{running:.1f} s; " + " and ".join(percent(seconds, running)
                                                 for _, seconds in bare), ""),
            ("demand to the first pod", f"{large['first']:.2f} s", ""),
            ("writes of the anchor", str(writes), "1"),
            ("workers made, of those wanted", f"{large['created']} of {workers}", "as many"),
            ("memory of agent and Git child (PSS)", f"{fleet.megabytes():.0f} MB", ""),
            ], large["created"] == workers


def quiet(fleet, arguments):
    """Clusters of a head and the one worker that is their least."""
    fleet.declare_many([f"ray-{number}" for number in range(arguments.clusters)], least=1)
    time.sleep(QUIET_AFTER_SECONDS)
    calls = fleet.heads.figures()["counts"]["calls"]
    writes, share = fleet.silence(arguments.silence)
    calls = fleet.heads.figures()["counts"]["calls"] - calls
    return [(f"{arguments.clusters} clusters quiet for {arguments.silence} s: CPU of agent and Git "
             "child", f"{100 * share:.2f} % of a core", "< 3 %"),
            ("calls to heads", f"{calls / arguments.silence:.0f} a second", ""),
            ("of that CPU for each call", f"{1e3 * share * arguments.silence / calls:.2f} ms", ""),
            ("writes but for the Lease", str(writes), "0"),
            ("memory of agent and Git child (PSS)", f"{fleet.megabytes():.0f} MB", "< 80 MB"),
            ], writes == 0


def waits(fleet, names, dice):
    """Seconds from the demand of each to its first pod, in a fleet that was quiet."""
    time.sleep(QUIET_AFTER_SECONDS)
    begin = time.monotonic()
    for at, name in sorted((dice.uniform(0, DEMAND_SPREAD_SECONDS), name) for name in names):
        time.sleep(max(0, begin + at - time.monotonic()))
        fleet.heads.tasks(name, [LONG_TASK_SECONDS])
    seconds_until(lambda: all(each["created"] for name, each in
                              fleet.heads.figures()["clusters"].items() if name in names),
                  "a pod of each", 0.5)
    clusters = fleet.heads.figures()["clusters"]
    return [clusters[name]["first"] for name in names]


def black_holes(fleet, arguments):
    """Others wait for a pod, without silent heads and from the moment at which some are."""
    clusters = arguments.clusters
    silent, demanding = max(1, int(SILENT_SHARE * clusters)), int(DEMANDING_SHARE * clusters)
    names = [f"ray-{number}" for number in range(clusters)]
    dice = random.Random(arguments.seed)
    dice.shuffle(names)
    fleet.declare_many(names)
    alone = waits(fleet, names[:demanding], dice)
    # Some heads take connections and say nothing, to others there is no connection.
    for number, name in enumerate(names[-silent:]):
        threading.Timer(QUIET_AFTER_SECONDS, fleet.heads.fall_silent, (name, number % 2)).start()
    beside = waits(fleet, names[demanding:2 * demanding], dice)
    one, other = statistics.mean(alone), statistics.mean(beside)
    return [(f"{clusters} clusters, demand in {demanding}: demand to pod, mean and p99",
             f"{one:.2f} s, {percentile(alone, 0.99):.2f} s", ""),
            (f"the same in others, while {silent} heads say nothing",
             f"{other:.2f} s, {percentile(beside, 0.99):.2f} s", ""),
            ("times as long, mean and p99", f"{other / one:.2f}, "
             f"{percentile(beside, 0.99) / percentile(alone, 0.99):.2f}",
             f"mean < {TIMES_AS_LONG_MAX}"),
            ], other / one < TIMES_AS_LONG_MAX


class Changes:
    """Random demand and limits, and what may not come of them."""

    def __init__(self, fleet, arguments):
        self.fleet, self.heads, self.dice = fleet, fleet.heads, random.Random(arguments.seed)
        self.names = [f"ray-{number}" for number in range(RANDOM_CLUSTERS)]
        self.most = dict.fromkeys(self.names, WORKERS_MAX)
        # The largest limit that the agent may know, until its status tells the newest commit.
        self.may_know, self.commit = dict(self.most), None
        self.moments = sorted(self.dice.sample(range(arguments.changes), arguments.kills))
        self.total = arguments.changes

    def prepare(self):
        self.heads.join_within(JOIN_SECONDS_MAX)
        for name in self.names:
            self.heads.limit(name, WORKERS_MAX)
            self.heads.refuse(name, REFUSED_SHARE)
        self.fleet.declare_many(self.names, cpus=RANDOM_CPUS, idle_seconds=RANDOM_IDLE_SECONDS)
        time.sleep(QUIET_AFTER_SECONDS)  # or nothing would leave

    def run(self, plants):
        for number in range(self.total):
            change, = self.dice.choices((self.add_tasks, self.request, self.set_limit), (8, 2, 2))
            change(self.dice.choice(self.names))
            time.sleep(self.dice.uniform(0, RANDOM_PAUSE_SECONDS_MAX))
            if number in self.moments:
                self.fleet.agent.kill()
                self.fleet.agent.start()
            if plants and number == self.total // 2:
                plant(self)
            self.take_lower_limits()

    def add_tasks(self, name):
        self.heads.tasks(name, [self.dice.uniform(1, RANDOM_TASK_SECONDS_MAX)
                                for _ in range(self.dice.randint(1, 8))])

    def request(self, name):
        self.heads.request(name, self.dice.choice((0, self.dice.randint(1, 6))))

    def set_limit(self, name):
        self.most[name] = self.dice.randint(1, WORKERS_MAX)
        self.may_know[name] = max(self.may_know[name], self.most[name])
        self.heads.limit(name, self.may_know[name])
        self.fleet.declare_scaling(name, self.most[name], cpus=RANDOM_CPUS,
                                   idle_seconds=RANDOM_IDLE_SECONDS)
        self.commit = self.fleet.repository.push(f"At most {self.most[name]}")
        self.fleet.agent.wake()

    def take_lower_limits(self):
        lower = {name for name in self.names if self.may_know[name] > self.most[name]}
        if lower and self.fleet.observed() == self.commit:
            for name in lower:
                self.may_know[name] = self.most[name]
                self.heads.limit(name, self.most[name])

    def end(self):
        """How many workers stay when nothing is left to do."""
        for name in self.names:
            self.heads.request(name, 0)
        seconds_until(lambda: not self.open_tasks(), "the end of all tasks", 0.5)
        deadline = time.monotonic() + END_SECONDS_MAX
        while self.workers() and time.monotonic() < deadline:
            time.sleep(0.5)
        return self.workers()

    def open_tasks(self):
        figures = self.heads.figures()
        waiting = sum(each["waiting"] for each in figures["clusters"].values())
        return waiting + figures["running"]

    def workers(self):
        return sum(each["workers"] for each in self.heads.figures()["clusters"].values())


def plant(changes):
    """What must be reported: a pod killed at work, one that is too many, one that never leaves."""
    fleet, heads = changes.fleet, changes.heads
    name, other = changes.names[:2]
    heads.tasks(name, [RANDOM_TASK_SECONDS_MAX] * 4)
    seconds_until(heads.busy, "a busy worker")
    fleet.api.delete("pods", NAMESPACE, heads.busy(), 0)
    heads.limit(other, 0)
    heads.refuse(other, 1)
    heads.request(other, 0)
    heads.tasks(other, [1] * RANDOM_CPUS * WORKERS_MAX)


def random_changes(fleet, arguments):
    changes = Changes(fleet, arguments)
    changes.prepare()
    changes.run(arguments.plant)
    stay = changes.end()
    figures = fleet.heads.figures()
    counts, found = figures["counts"], [kind for kind, _ in figures["violations"]]
    for violation in figures["violations"]:
        print(*violation, sep=": ", flush=True)
    wrong = {"workers deleted that were not drained": found.count("not drained"),
             "workers deleted that had work": found.count("had work"),
             "workers made above the maximum": found.count("above max"),
             "idle workers left in the end": stay}
    is_well = all(wrong.values()) if arguments.plant else not any(wrong.values())
    done = ", ".join(f"{counts.get(what, 0)} {what}" for what in
                     ("created", "deleted", "drains accepted", "drains refused", "tasks done"))
    return [(f"{changes.total} changes in {RANDOM_CLUSTERS} clusters, {arguments.kills} kills of "
             f"the agent, seed {arguments.seed}", done, ""),
            *((what, str(count), "> 0, planted" if arguments.plant else "0")
              for what, count in wrong.items())], is_well


ROWS = {"burst": burst, "quiet": quiet, "black-holes": black_holes, "random": random_changes}


def nodes_for(row, arguments):
    """KWOK's nodes, so that every pod has a place: 60 on each."""
    pods = {"burst": 3 * arguments.workers, "random": RANDOM_CLUSTERS * 4 * WORKERS_MAX}
    return 10 + pods.get(row, 2 * arguments.clusters) // 60
