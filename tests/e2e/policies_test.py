"""Policies over clusters that scale: quotas, fair shares, schedules and warm workers, real Ray."""

import calendar
import time

from elastic import IDLE_SECONDS, TASKS, ElasticStory, cluster_yaml, group_yaml
from world import PODS_SECONDS_MAX, STATUS_SECONDS_MAX, stays, wait_for

WORKERS_MAX = 3

GANG = """
import ray
from ray.util.placement_group import placement_group
ray.get(placement_group([{"CPU": 1}] * 2, strategy="STRICT_SPREAD").ready())
"""

GPU_TASKS = """
import time, ray
run = ray.remote(num_gpus=1, max_retries=0)(lambda: time.sleep(15))
ray.get([run.remote() for _ in range(2)])
"""
GPU = "nvidia.com/gpu"

WINDOW_SECONDS = 60  # the least that there is
LATE_SECONDS_MAX = 10
INDIA_SECONDS = 5 * 3600 + 1800  # east of UTC, the whole year


def warm_yaml(replicas):
    return f"""\
  warm:
    - {{name: spare, clusters: {{names: [elastic]}}, group: small, replicas: {replicas}}}
"""


def quota_yaml(quota):
    return f"""\
  tenants:
    - {{name: all, clusters: {{names: [elastic]}}, quota: {{{quota}}}}}
"""


def shares_yaml(pods):
    return f"""\
  capacity: {{pods: {pods}}}
  tenants:
    - {{name: blue, clusters: {{names: [blue]}}, weight: 2}}
    - {{name: green, clusters: {{names: [green]}}}}
"""


def schedule_yaml(start):
    """Once a day, at so many seconds since the epoch, by the clocks of India."""
    local = time.gmtime(start + INDIA_SECONDS)
    return f"""\
  schedules:
    - name: morning
      clusters: {{names: [elastic]}}
      group: small
      minReplicas: 2
      start: "{local.tm_min} {local.tm_hour} * * *"
      timeZone: Asia/Kolkata
      durationSeconds: {WINDOW_SECONDS}
"""


def created_at(pod):
    return calendar.timegm(time.strptime(pod["metadata"]["creationTimestamp"],
                                         "%Y-%m-%dT%H:%M:%SZ"))


class PolicyStory(ElasticStory):
    """One policy at a time, which goes with the test."""

    def setUp(self):
        self.addCleanup(self.forget_policy)

    def declare_policy(self, spec, message):
        self.repository.write("clusters/policy.yaml", f"""\
apiVersion: ray-gitops.io/v1
kind: AutoscalerPolicy
metadata:
  name: teams
spec:
{spec}""")
        self.wait_for_observed(self.push(message))

    def forget_policy(self):
        if (self.repository.work / "clusters/policy.yaml").exists():
            self.repository.remove("clusters/policy.yaml")
            self.wait_for_observed(self.push("no policy"))

    def unplaced(self, cluster="elastic"):
        return str(self.status(cluster).get("ray", {}).get("autoscaling", {}).get("unplaced"))

    def wait_for_unplaced(self, tenant, cluster="elastic"):
        wait_for(lambda: f"tenant {tenant} of AutoscalerPolicy" in self.unplaced(cluster),
                 STATUS_SECONDS_MAX, f"what keeps {cluster} from more workers")


class Policies(PolicyStory):
    agent_id = "policies-agent"

    def setUp(self):
        super().setUp()
        groups = (group_yaml("small", WORKERS_MAX) +
                  group_yaml("accelerated", WORKERS_MAX,
                             limits=f'cpu: "1", memory: 512Mi, {GPU}: 1'))
        self.declare_groups(groups, f"at most {WORKERS_MAX} workers")
        self.wait_for_pods("elastic")

    def test_a_quota_holds_for_whole_gangs_and_a_warm_worker_stands_ready(self):
        self.declare_policy(quota_yaml("pods: 2"), "at most two pods")
        gang = self.submit(GANG)
        self.wait_for_unplaced("all")
        self.assertFalse(self.workers(), "half a gang")
        self.assertIn("tenant all of AutoscalerPolicy", self.why("elastic"))
        self.succeeds(self.submit(TASKS.format(count=2, seconds=1)))
        self.assertLessEqual(len(self.workers()), 1)
        self.declare_policy(quota_yaml("pods: 3"), "at most three pods")
        self.succeeds(gang)
        self.wait_for_none()
        self.declare_policy(quota_yaml("pods: 3") + warm_yaml(1), "one of them to spare")
        self.wait_for_pods("elastic", 1)
        stays(lambda: len(self.workers()) == 1, 2 * IDLE_SECONDS, "a worker to spare")
        self.forget_policy()
        self.wait_for_none()

    def test_a_quota_of_memory_counts_the_head(self):
        self.declare_policy(quota_yaml("memory: 2Gi"), "the head and two workers")
        job = self.submit(TASKS.format(count=WORKERS_MAX, seconds=5))
        self.wait_for_unplaced("all")
        self.wait_for_pods("elastic", 2)
        self.succeeds(job)
        self.wait_for_none()

    def test_a_quota_of_gpus_leaves_other_groups_alone(self):
        self.api.advertise(GPU, WORKERS_MAX)
        self.declare_policy(quota_yaml(f"{GPU}: 1"), "one GPU")
        job = self.submit(GPU_TASKS)
        self.wait_for_unplaced("all")
        wait_for(lambda: self.workers("accelerated"), PODS_SECONDS_MAX, "the one with a GPU")
        other = self.submit(TASKS.format(count=2, seconds=10))  # one may run there before
        wait_for(lambda: self.workers("small"), PODS_SECONDS_MAX, "one without a GPU")
        self.assertEqual(1, len(self.workers("accelerated")))
        self.succeeds(other)
        self.succeeds(job)
        self.wait_for_none()

    def test_a_schedule_brings_workers_on_time_and_lets_them_go(self):
        start = (int(time.time()) // 60 + 1) * 60
        if start - time.time() < STATUS_SECONDS_MAX:
            start += 60  # the policy is to be read before
        self.declare_policy(schedule_yaml(start), "two workers in the morning")
        self.assertFalse(self.workers(), "before the time")
        pods = self.wait_for_pods("elastic", 2)
        late = [created_at(pod) - start for name, pod in pods.items() if "-small-" in name]
        self.assertTrue(all(0 <= seconds <= LATE_SECONDS_MAX for seconds in late), late)
        self.wait_for_none()
        self.assertGreaterEqual(time.time(), start + WINDOW_SECONDS)


class Shares(PolicyStory):
    agent_id = "shares-agent"

    def test_what_there_is_is_shared_by_weight(self):
        for name in ("blue", "green"):
            self.repository.write(f"clusters/{name}.yaml",
                                  cluster_yaml(group_yaml("small", 4), name))
        self.push("two clusters")
        for name in ("blue", "green"):
            self.wait_for_pods(name)
        self.declare_policy(shares_yaml(2), "the heads alone")
        jobs = {name: self.submit(TASKS.format(count=8, seconds=5), name)
                for name in ("blue", "green")}
        for name in jobs:
            self.wait_for_unplaced(name, name)
        self.declare_policy(shares_yaml(6), "four workers for both")
        self.wait_for_pods("blue", 3)
        self.wait_for_pods("green", 1)
        stays(lambda: sum(len(self.pods(name)) for name in jobs) <= 6, IDLE_SECONDS,
              "what there is")
        for name, job in jobs.items():
            self.succeeds(job, name)
        for name in jobs:
            self.wait_for_none(name)
