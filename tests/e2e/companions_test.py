"""Companions: applied in order, kept as written, given up in a fight, and pruned."""

from world import STATUS_SECONDS_MAX, Story, stays, wait_for

FILE = "clusters/web.yaml"
REPAIR_SECONDS_MAX = 5
REPAIRS_MAX = 5

PATHS = {
    "Service": "/api/v1/namespaces/{}/services/web",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims/web",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/web",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments/web",
}

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""
OTHERS = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.k8s.io/pause:3.10"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""


class Companions(Story):
    """Steps of one story, in order of their names."""

    agent_id = "companions"

    def live(self, kind):
        return self.api.get(PATHS[kind].format(self.namespace))

    def status_of(self, kind):
        return self.repository.status_json(
            f"objects/{self.namespace}/{kind.lower()}/web.json") or {}

    def is_leaving(self, kind):
        live = self.live(kind)
        return live is None or "deletionTimestamp" in live["metadata"]

    def patch(self, kind, body):
        """As `kubectl patch` does."""
        self.api.patch(PATHS[kind].format(self.namespace), "kubectl-patch", body)

    def test_1_a_kind_that_is_not_allowed_is_refused_with_its_place(self):
        self.agent.start()
        self.repository.write(FILE, CLAIM + OTHERS)
        commit = self.push("A Role beside what may stand there")
        self.wait_for_observed(commit)
        wait_for(lambda: self.status_of("Deployment").get("phase") == "Ready", STATUS_SECONDS_MAX,
                 "the Deployment")
        self.assertEqual("Blocked", self.status_of("Role")["phase"])
        self.assertIn(f"{FILE}:27:7 KindNotAllowed", self.status_of("Role")["message"])
        self.assertIsNone(self.live("Role"))
        self.agent.stop()

    def test_2_all_are_applied_once_they_are_allowed(self):
        config = self.world.folder / self.agent_id / "agent.yaml"
        with open(config, "a", encoding="utf-8") as file:
            file.write("companions:\n  kinds: [PersistentVolumeClaim, Service, ServiceAccount, "
                       "Role, Deployment]\n")
        self.agent.start()
        for kind in PATHS:
            wait_for(lambda k=kind: self.live(k) and self.status_of(k).get("phase") == "Ready",
                     STATUS_SECONDS_MAX, f"the {kind}")

    def test_3_a_patch_is_taken_back(self):
        self.patch("Deployment", {"spec": {"replicas": 2}})
        wait_for(lambda: self.live("Deployment")["spec"]["replicas"] == 0, REPAIR_SECONDS_MAX,
                 "the repair")
        # What no file speaks about is the other's.
        self.patch("Deployment", {"metadata": {"labels": {"theirs": "yes"}}})
        stays(lambda: self.live("Deployment")["metadata"]["labels"].get("theirs") == "yes", 2,
              "the label")

    def test_4_a_fight_is_reported_and_given_up(self):
        for _ in range(1, REPAIRS_MAX):
            self.patch("Deployment", {"spec": {"replicas": 2}})
            wait_for(lambda: self.live("Deployment")["spec"]["replicas"] == 0,
                     REPAIR_SECONDS_MAX, "the repair")
        self.patch("Deployment", {"spec": {"replicas": 2}})
        wait_for(lambda: self.status_of("Deployment").get("reason") == "FieldsFoughtOver",
                 STATUS_SECONDS_MAX, "the fight in the status")
        self.assertIn("kubectl-patch", self.status_of("Deployment")["message"])
        stays(lambda: self.live("Deployment")["spec"]["replicas"] == 2, 2, "the other's value")

    def test_5_all_but_the_claim_are_pruned(self):
        self.repository.write(FILE, "# nothing declared here\n")
        self.repository.write("clusters/keeper.yaml", "apiVersion: v1\nkind: ServiceAccount\n"
                                                      "metadata: {name: keeper}\n")
        self.push("The web goes")
        for kind in ("Deployment", "Service", "Role"):
            wait_for(lambda k=kind: self.live(k) is None, STATUS_SECONDS_MAX, f"the {kind}'s end")
        self.assertIsNotNone(self.live("PersistentVolumeClaim"), "it has the data")
        self.assertNotIn("deletionTimestamp", self.live("PersistentVolumeClaim")["metadata"])

    def test_6_a_claim_that_says_so_is_pruned(self):
        annotated = CLAIM.replace("{name: web}",
                                  '{name: web, annotations: {ray-gitops.io/prune: "true"}}')
        self.repository.write(FILE, annotated)
        self.push("The data may go")
        wait_for(lambda: "ray-gitops.io/prune" in self.live("PersistentVolumeClaim")["metadata"][
            "annotations"], STATUS_SECONDS_MAX, "the annotation")
        self.repository.write(FILE, "# nothing declared here\n")
        self.push("The data goes")
        wait_for(lambda: self.is_leaving("PersistentVolumeClaim"), STATUS_SECONDS_MAX,
                 "the claim's end")
