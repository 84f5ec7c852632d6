"""Replicas of two hosts: their pods come and leave together, with real Ray on them."""

import elastic
from kubernetes import uids
from world import PODS_SECONDS_MAX, Story, cluster_yaml, group_yaml, wait_for

HOSTS = "      numOfHosts: 2\n"


def with_hosts(group):
    return group.replace("      rayStartParams", f"{HOSTS}      rayStartParams")


def slots(pods):
    return {name for name in pods if "-slices-" in name}


def replicas(pods):
    return {pods[name]["metadata"]["labels"].get("ray.io/worker-group-replica-name")
            for name in slots(pods)}


class Hosts(Story):
    agent_id = "hosts-agent"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.start()

    def declare(self, replicas):
        self.repository.write("clusters/ray.yaml", cluster_yaml(
            "ray", with_hosts(group_yaml("slices", replicas))))
        return self.push(f"{replicas} replicas")

    def test_1_a_replica_is_two_pods_that_say_so(self):
        commit = self.declare(1)
        pods = self.wait_for_pods("ray", 2)
        self.assertEqual({"ray-slices-worker-0", "ray-slices-worker-1"}, slots(pods))
        labels = pods["ray-slices-worker-1"]["metadata"]["labels"]
        self.assertEqual(("0", "slices-0", "1"), (
            labels["ray.io/worker-group-replica-index"],
            labels["ray.io/worker-group-replica-name"], labels["ray.io/replica-host-index"]))
        self.assertIsNotNone(self.api.object("services", self.namespace, "ray-headless"))
        self.wait_for_status("ray", "Ready", commit)

    def test_2_a_lost_host_takes_its_replica_along_and_no_other(self):
        self.declare(2)
        before = self.wait_for_pods("ray", 4)
        self.api.delete("pods", self.namespace, "ray-slices-worker-2", grace=0)
        wait_for(lambda: uids(self.pods("ray")).get("ray-slices-worker-3") !=
                 uids(before)["ray-slices-worker-3"], PODS_SECONDS_MAX, "the end of its other host")
        self.wait_for_pods("ray", 4)
        kept = {name: before[name] for name in ("ray-head", "ray-slices-worker-0",
                                                "ray-slices-worker-1")}
        self.assert_untouched("ray", kept)

    def test_3_a_host_that_went_while_no_agent_looked_comes_alone(self):
        before = self.wait_for_pods("ray", 4)
        self.agent.kill()
        lost = max(slots(before))
        self.api.delete("pods", self.namespace, lost, grace=0)
        wait_for(lambda: lost not in self.pods("ray"), PODS_SECONDS_MAX, "its end")
        self.agent.start()
        self.wait_for_pods("ray", 4)
        self.assert_untouched("ray", {name: pod for name, pod in before.items() if name != lost})

    def test_4_a_smaller_number_takes_a_whole_replica(self):
        self.declare(1)
        pods = self.wait_for_pods("ray", 2)
        self.assertEqual(1, len(replicas(pods)))


class ElasticHosts(elastic.ElasticStory):
    agent_id = "elastic-hosts-agent"

    def test_demand_for_one_host_brings_two_and_both_leave_when_idle(self):
        self.declare_groups(with_hosts(elastic.group_yaml("slices", 2)), "replicas of two hosts")
        self.wait_for_pods("elastic")
        job = self.submit(elastic.TASKS.format(count=1, seconds=20))
        pods = self.wait_for_pods("elastic", 2)
        self.assertEqual({"slices-0"}, replicas(pods))
        wait_for(lambda: "a host of its replica stays: it is in use" in self.why("elastic"),
                 PODS_SECONDS_MAX, "an idle host that stays with the other")
        self.succeeds(job)
        self.wait_for_none()
