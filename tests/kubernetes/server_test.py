"""What only a real API server does: schedule, admit, refuse."""

from world import PODS_SECONDS_MAX, STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, wait_for

FILE = "clusters/ray.yaml"


class Server(Story):
    agent_id = "server"

    def setUp(self):
        if not self.agent.is_running():
            self.agent.start()
        self.repository.write(FILE, cluster_yaml("ray"))
        self.commit = self.push("A head alone")
        self.wait_for_pods("ray")
        self.wait_for_status("ray", "Ready", self.commit)

    def test_gpus_are_found_where_they_are(self):
        group = group_yaml("gpu", 2).replace("limits: {", "limits: {nvidia.com/gpu: 4, ")
        self.repository.write(FILE, cluster_yaml("ray", group))
        commit = self.push("Two workers with GPUs")
        pods = self.wait_for_pods("ray", 2)
        self.wait_for_status("ray", "Ready", commit)
        nodes = {pod["spec"]["nodeName"] for name, pod in pods.items() if name != "ray-head"}
        self.assertTrue(all(node.startswith("gpu-node-") for node in nodes), nodes)

    def test_a_pod_that_somebody_deletes_is_replaced(self):
        before = self.pods("ray")["ray-head"]["metadata"]["uid"]
        self.api.delete("pods", self.namespace, "ray-head", grace=0)
        wait_for(lambda: self.uid_of_head() not in (None, before), PODS_SECONDS_MAX, "another head")
        self.wait_for_status("ray", "Ready", self.commit)

    def uid_of_head(self):
        return self.pods("ray").get("ray-head", {"metadata": {"uid": None}})["metadata"]["uid"]

    def test_a_quota_is_told_in_the_servers_words_and_waited_for(self):
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
                 "spec": {"hard": {"pods": "2"}}}
        self.api.create("resourcequotas", self.namespace, quota)
        self.addCleanup(self.end_quota)
        wait_for(lambda: self.quota().get("status", {}).get("hard"), STATUS_SECONDS_MAX,
                 "the quota in force")
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", 3)))
        commit = self.push("More than may be")
        wait_for(lambda: "exceeded quota" in self.status("ray").get("message", ""),
                 STATUS_SECONDS_MAX, "the refusal in the status")
        self.assertEqual(2, len(self.pods("ray")))
        self.end_quota()
        self.wait_for_pods("ray", 3)
        self.wait_for_status("ray", "Ready", commit)

    def quota(self):
        return self.api.object("resourcequotas", self.namespace, "few") or {}

    def end_quota(self):
        if self.quota():
            self.api.delete("resourcequotas", self.namespace, "few")
