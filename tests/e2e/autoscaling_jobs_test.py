"""A job whose own cluster begins without workers: they come for what it runs, and go with it."""

from elastic import cluster_yaml, group_yaml
from jobs_test import RAY_SECONDS_MAX, JobStory
from kubernetes import is_ready, uids
from world import PODS_SECONDS_MAX, wait_for

WORKERS_MAX = 3

# A task, an actor, and two more that have to be on nodes of their own: on the worker that the task
# needed, and on two that are made for them. Nothing is run again: what is lost fails the job.
PROGRAM = """
import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy as InBundle

def here():
    return ray.get_runtime_context().get_node_id()

@ray.remote(num_cpus=1, max_restarts=0)
class Actor:
    def node(self):
        return here()

first = ray.get(ray.remote(num_cpus=1, max_retries=0)(here).remote())
actor = Actor.remote()
assert ray.get(actor.node.remote()) == first
bundles = placement_group([{"CPU": 1}] * 2, strategy="STRICT_SPREAD")
gang = [Actor.options(scheduling_strategy=InBundle(bundles, index)).remote() for index in (0, 1)]
nodes = ray.get([member.node.remote() for member in [actor, *gang]])
assert len(set(nodes)) == 3, nodes
"""


class ElasticJobs(JobStory):
    agent_id = "elastic-jobs"

    def workers(self):
        return {pod["metadata"]["name"]: pod for pod in self.pods_of_job("gang")
                if "-small-" in pod["metadata"]["name"]}

    def test_workers_come_for_what_it_runs_and_go_with_its_cluster(self):
        self.declare("gang", self.counter.program("gang", PROGRAM), shutdownAfterJobFinishes=True,
                     cluster=cluster_yaml(group_yaml("small", WORKERS_MAX)))
        first = wait_for(self.workers, PODS_SECONDS_MAX, "a worker for the task")
        self.assertEqual([False], [is_ready(pod) for pod in first.values()])
        self.agent.kill()
        self.agent.start()
        seen = {}

        def has_all():
            seen.update(uids(self.workers()))
            return len(self.workers()) == WORKERS_MAX
        wait_for(has_all, PODS_SECONDS_MAX, "workers for the placement group")
        self.wait_for_job("gang", "Succeeded", RAY_SECONDS_MAX)
        self.assertEqual(WORKERS_MAX, len(seen))
        self.assertLessEqual(uids(first).items(), seen.items())
        self.assertEqual(1, self.counts["gang"])
        wait_for(lambda: not self.pods_of_job("gang"), RAY_SECONDS_MAX, "the cluster's end")
