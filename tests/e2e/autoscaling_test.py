"""Clusters that scale with what runs on them: real Ray asks, workers come and go without a loss."""

import random
import threading
import time

from elastic import IDLE_SECONDS, TASKS, ElasticStory, group_yaml
from world import KILLS, PODS_SECONDS_MAX, SEED, STATUS_SECONDS_MAX, stays, wait_for

WORKERS_MAX = 3

MANY_KINDS = """
import ray
from ray.util.placement_group import placement_group, remove_placement_group

@ray.remote(num_cpus=1, resources={"sensor": 1}, max_restarts=0)
class Actor:
    def answer(self):
        return 42

actor = Actor.remote()
assert ray.get(actor.answer.remote()) == 42
bundles = placement_group([{"CPU": 1}] * 2, strategy="STRICT_SPREAD")
ray.get(bundles.ready())
remove_placement_group(bundles)
gpus = ray.remote(num_gpus=1, max_retries=0)(lambda: ray.get_gpu_ids())
assert len(ray.get(gpus.remote())) == 1
"""

SENSOR = """, resources: '"{\\"sensor\\": 1}"'"""

REQUEST = """
import ray
from ray.autoscaler.sdk import request_resources
ray.init()
request_resources(num_cpus={count})
"""


class Autoscaling(ElasticStory):
    agent_id = "elastic-agent"

    def setUp(self):
        self.declare(WORKERS_MAX)
        self.wait_for_pods("elastic")

    def declare(self, most, least=0):
        groups = (group_yaml("small", most, least=least) + group_yaml("sensors", 1, SENSOR) +
                  group_yaml("accelerated", 1, ', num-gpus: "1"'))
        return self.declare_groups(groups, f"at most {most} workers")

    def test_tasks_bring_workers_and_idleness_takes_them(self):
        job = self.submit(TASKS.format(count=WORKERS_MAX, seconds=5))
        wait_for(lambda: len(self.workers()) == WORKERS_MAX, PODS_SECONDS_MAX, "all workers")
        status = wait_for(lambda: self.group_in_status("small").get("target") == WORKERS_MAX and
                          self.status("elastic"), STATUS_SECONDS_MAX, "the target in the status")
        self.assertEqual("Ready", status["phase"], status)
        self.assertTrue(self.group_in_status("small")["reason"])
        worker = min(self.workers())
        wait_for(lambda: f"{worker} stays: it is in use" in self.why("elastic"),
                 PODS_SECONDS_MAX, "a worker in use")
        self.assertIn(f"group small: wants {WORKERS_MAX}, has {WORKERS_MAX}", self.why(worker))
        self.assertNotIn("group sensors", self.why(worker))
        self.succeeds(job)
        self.wait_for_none()
        wait_for(lambda: self.group_in_status("small").get("target") == 0, STATUS_SECONDS_MAX,
                 "the smaller target in the status")

    def test_actors_placement_groups_and_accelerators_get_what_they_need(self):
        job = self.submit(MANY_KINDS)
        self.succeeds(job)
        self.wait_for_none()

    def test_what_was_requested_stays_until_it_is_taken_back(self):
        self.succeeds(self.submit(REQUEST.format(count=2)))
        wait_for(lambda: len(self.workers()) == 2, PODS_SECONDS_MAX, "two workers")
        self.wait_for_pods("elastic", 2)
        stays(lambda: len(self.workers()) == 2, 3 * IDLE_SECONDS, "two workers")
        self.succeeds(self.submit(REQUEST.format(count=0)))
        self.wait_for_none()

    def test_a_lower_maximum_waits_for_running_tasks_and_a_minimum_is_kept(self):
        job = self.submit(TASKS.format(count=2, seconds=15))
        self.wait_for_pods("elastic", 2)
        self.wait_for_observed(self.declare(1))
        self.succeeds(job)
        self.wait_for_none()
        self.wait_for_observed(self.declare(2, least=1))
        self.wait_for_pods("elastic", 1)
        stays(lambda: len(self.workers()) == 1, 2 * IDLE_SECONDS, "the least of workers")

    def test_no_task_is_lost_when_the_agent_is_killed(self):
        random.seed(SEED)
        done = threading.Event()

        def kill_now_and_then():
            for _ in range(KILLS):
                if done.wait(random.uniform(0.5, 8)):
                    break
                self.agent.kill()
                self.agent.start()
        killer = threading.Thread(target=kill_now_and_then)
        killer.start()
        try:
            for seconds in (3, 1, 6):
                self.succeeds(self.submit(TASKS.format(count=2 * WORKERS_MAX, seconds=seconds)))
                self.assertLessEqual(len(self.workers()), WORKERS_MAX)
                time.sleep(random.uniform(0, 2 * IDLE_SECONDS))
        finally:
            done.set()
            killer.join()
        self.wait_for_none()
