"""`ray-gitops plan` on a server that does not have every kind that a file may hold."""

from plan_command_test import PlanStory
from world import cluster_yaml

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ray
spec:
  rules: []
"""


class PlanWithoutAKind(PlanStory):
    agent_id = "plan-without-a-kind"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(cls.agent.cache.parent / "agent.yaml", "a", encoding="utf-8") as file:
            file.write("companions:\n  kinds: [HTTPRoute]\n")

    @classmethod
    def tear_down_story(cls):
        """Nothing was made."""

    def test_the_rest_is_planned_and_the_kind_is_named(self):
        self.repository.write("clusters/ray.yaml", cluster_yaml("ray"))
        self.repository.write("clusters/route.yaml", ROUTE)
        self.repository.push("A cluster and a route")
        done = self.run_plan()
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("Not seen: httproutes cannot be listed: the server answers 404", done.stdout)
        self.assertIn("ray-head", done.stdout)
        self.assertIn("CannotBeRead", done.stdout)
