"""An agent whose rights, and whose work, end at some namespaces: by deploy/kustomize/namespaced."""

import pathlib
import subprocess
import tempfile

from deploy_test import check, kubectl, service_account_kubeconfig
from world import PROGRAM, ROOT, STATUS_SECONDS_MAX, Story, cluster_yaml, group_yaml, wait_for

HOME = "ray-gitops"
TEAM = "team-blue"
ELSEWHERE = "team-red"
FILE = "clusters/ray.yaml"


class Namespaces(Story):
    agent_id = "kept"

    @classmethod
    def setUpClass(cls):
        cls.apply_manifests()
        super().setUpClass()
        for name in (TEAM, ELSEWHERE):
            cls.cluster.api.request("POST", "/api/v1/namespaces", {
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        binding = (ROOT / "deploy/kustomize/namespaced/binding.yaml").read_text("utf-8")
        kubectl("apply", "-f", "-", text=binding.replace(f"  namespace: {HOME}\n",
                                                         f"  namespace: {TEAM}\n", 1))
        cls.namespace = TEAM
        folder = cls.agent.cache.parent
        config = folder / "agent.yaml"
        kubeconfig = service_account_kubeconfig(cls.cluster, folder)
        config.write_text(
            config.read_text("utf-8")
            .replace(str(cls.cluster.kubeconfig), f"{kubeconfig}\n  namespaces: [{HOME}, {TEAM}]")
            .replace("agentNamespace: kept", f"agentNamespace: {HOME}")
            .replace("defaultNamespace: kept", f"defaultNamespace: {TEAM}"), "utf-8")
        cls.config = config
        cls.agent.start()

    @classmethod
    def apply_manifests(cls):
        with tempfile.TemporaryDirectory(dir=ROOT / "deploy") as folder:
            pathlib.Path(folder, "kustomization.yaml").write_text(
                "resources: [../kustomize]\ncomponents: [../kustomize/namespaced]\n", "utf-8")
            kubectl("apply", "-k", folder)
        kubectl("delete", "clusterrolebinding", HOME, "--ignore-not-found")

    @classmethod
    def make_namespace(cls):
        """The manifests have made it."""

    @classmethod
    def tear_down_story(cls):
        super().tear_down_story()
        kubectl("delete", "rolebinding", "ray-gitops-objects", "-n", HOME)

    def test_it_works_where_it_may_and_says_where_not(self):
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", 2)))
        self.repository.write("clusters/far.yaml", cluster_yaml("far").replace(
            "metadata:\n", f"metadata:\n  namespace: {ELSEWHERE}\n", 1))
        commit = self.push("Here and there")
        self.wait_for_pods("ray", 2)
        self.wait_for_status("ray", "Ready", commit)
        far = wait_for(lambda: self.repository.cluster_status(ELSEWHERE, "far"),
                       STATUS_SECONDS_MAX, "a status of what is elsewhere")
        self.assertIn("clusters/far.yaml:4:14 NamespaceNotAllowed", far["message"])
        self.assertEqual([], self.api.list("pods", ELSEWHERE))
        self.agent.kill()
        self.agent.start()
        self.repository.write(FILE, cluster_yaml("ray", group_yaml("w", 1)))
        commit = self.push("Smaller")
        self.wait_for_pods("ray", 1)
        self.wait_for_status("ray", "Ready", commit)
        self.assertNotIn("forbidden", self.agent.log().lower())

    def test_why_looks_there_alone(self):
        self.repository.write(FILE, cluster_yaml("ray"))
        self.push("A head")
        self.wait_for_pods("ray")
        done = subprocess.run([PROGRAM, "why", "--config", str(self.config), "ray"], text=True,
                              check=False, capture_output=True, timeout=STATUS_SECONDS_MAX)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("has as many workers as its file says", done.stdout)

    def test_check_asks_about_these_namespaces_alone(self):
        done = check(self.config)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertNotIn("NO ", done.stdout)
        self.assertNotIn("in all namespaces", done.stdout)
        self.assertIn(f"delete pods in namespace {TEAM}\n", done.stdout)
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            kubectl("auth", "can-i", "list", "pods", "-n", ELSEWHERE,
                    f"--as=system:serviceaccount:{HOME}:{HOME}")
        self.assertEqual("no", refused.exception.stdout.strip())
