"""deploy/ as a user applies it: the server takes it, and its rights are enough and not too many."""

import json
import os
import pathlib
import subprocess
import tempfile

from world import PROGRAM, ROOT, STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, wait_for

NAME = "ray-gitops"
TEAM = "team"
FILE = "clusters/ray.yaml"
COMPANIONS = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {TEAM}
---
apiVersion: v1
kind: Secret
metadata:
  name: token
  namespace: {TEAM}
stringData:
  token: hunter2
"""


def kubectl(*arguments, text=None):
    """What it prints; `text` is its standard input."""
    return subprocess.run([os.environ["RAY_GITOPS_KUBECTL"], *arguments], check=True, text=True,
                          input=text, capture_output=True, timeout=STATUS_SECONDS_MAX).stdout


def service_account_kubeconfig(cluster, folder, namespace=NAME, account=NAME):
    """A kubeconfig in the folder by which one is the service account, of the Deployment's here."""
    token = cluster.api.request(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
         "spec": {"expirationSeconds": 3600}})["status"]["token"]
    (folder / "token").write_text(token + "\n", "utf-8")
    text = cluster.kubeconfig.read_text("utf-8")
    identity = folder / "kubeconfig"
    identity.write_text(text.replace("token: admin-token", "tokenFile: token"), "utf-8")
    return identity


def check(config):
    return subprocess.run([PROGRAM, "check", "--config", str(config)], text=True, check=False,
                          capture_output=True, timeout=STATUS_SECONDS_MAX)


def within(namespace, text):
    return text.replace("metadata:\n", f"metadata:\n  namespace: {namespace}\n", 1)


class Deploy(Story):
    """The agent runs here, as the service account of its Deployment."""

    agent_id = NAME

    @classmethod
    def setUpClass(cls):
        kubectl("apply", "-k", str(ROOT / "deploy/kustomize"))
        super().setUpClass()
        cls.namespace = TEAM
        cls.become_the_service_account()
        cls.agent.start()

    @classmethod
    def become_the_service_account(cls):
        folder = cls.agent.cache.parent
        identity = service_account_kubeconfig(cls.cluster, folder)
        config = folder / "agent.yaml"
        config.write_text(config.read_text("utf-8").replace(str(cls.cluster.kubeconfig),
                                                            str(identity)), "utf-8")

    @classmethod
    def make_namespace(cls):
        """The manifests have made it."""

    def test_1_its_pod_is_admitted(self):
        wait_for(lambda: json.loads(kubectl("get", "deployment", NAME, "-n", NAME, "-o", "json"))
                 .get("status", {}).get("availableReplicas") == 1, STATUS_SECONDS_MAX,
                 "the Deployment to be available")

    def test_1_its_pod_monitor_is_a_component(self):
        with tempfile.TemporaryDirectory(dir=ROOT / "deploy") as folder:
            pathlib.Path(folder, "kustomization.yaml").write_text(
                "resources: [../kustomize]\ncomponents: [../kustomize/pod-monitor]\n", "utf-8")
            text = kubectl("kustomize", folder)
        self.assertIn("kind: PodMonitor\n", text)
        self.assertNotIn("kind: PodMonitor\n", kubectl("kustomize", str(ROOT / "deploy/kustomize")))

    def test_2_its_rights_are_enough(self):
        self.repository.write("clusters/team.yaml", COMPANIONS)
        self.repository.write(FILE, within(TEAM, cluster_yaml("ray", group_yaml("w", 2))))
        self.push("A team")
        self.wait_for_pods("ray", 2)
        self.assertIsNotNone(self.api.object("secrets", TEAM, "token"))
        self.repository.write(FILE, within(TEAM, cluster_yaml("ray", group_yaml("w", 1))))
        commit = self.push("Smaller")
        self.wait_for_pods("ray", 1)
        self.wait_for_status("ray", "Ready", commit)
        self.repository.write("clusters/team.yaml", COMPANIONS.split("---")[0])
        self.push("No Secret")
        wait_for(lambda: self.api.object("secrets", TEAM, "token") is None, STATUS_SECONDS_MAX,
                 "the end of the Secret")
        self.assertNotIn("forbidden", self.agent.log().lower())

    def test_3_check_names_what_is_missing(self):
        config = self.agent.cache.parent / "agent.yaml"
        done = check(config)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertRegex(done.stdout, r"^https://\S+, Kubernetes v1\.\d+\.\d+\n")
        self.assertNotIn("NO ", done.stdout)
        nobody = config.with_name("nobody.yaml")
        nobody.write_text(config.read_text("utf-8").replace(
            str(config.with_name("kubeconfig")),
            str(self.cluster.kubeconfig.with_name("alice.kubeconfig"))), "utf-8")
        done = check(nobody)
        self.assertEqual((1, ""), (done.returncode, done.stderr), done.stdout)
        self.assertIn("NO   get, list, watch, create, patch, delete pods in all "
                      "namespaces: nothing in Git is acted on\n", done.stdout)
        self.assertIn(f"NO   get, create, update leases in namespace {NAME}: ", done.stdout)

    def test_4_its_rights_are_no_more(self):
        def may(verb, *what):
            return kubectl("auth", "can-i", verb, *what,
                           f"--as=system:serviceaccount:{NAME}:{NAME}").strip()
        for verb, *what in (("delete", "namespaces"), ("create", "clusterrolebindings"),
                            ("get", "nodes"), ("create", "pods", "--subresource=exec"),
                            ("create", "rolebindings"), ("create", "ingresses"),
                            ("impersonate", "users")):
            with self.assertRaises(subprocess.CalledProcessError, msg=(verb, what)) as refused:
                may(verb, *what)
            self.assertEqual("no", refused.exception.stdout.strip(), (verb, what))
