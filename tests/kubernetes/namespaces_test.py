"""An agent whose rights, and whose work, end at some namespaces: by deploy/kustomize/namespaced."""

import pathlib
import subprocess
import tempfile

from deploy_test import check, kubectl, service_account_kubeconfig, within
from plan_command_test import JOB, SERVICE, PlanStory
from world import PROGRAM, ROOT, STATUS_SECONDS_MAX, cluster_yaml, group_yaml, wait_for

TEAM = "team-blue"
ELSEWHERE = "team-red"
FILE = "clusters/ray.yaml"
COMPANION = "clusters/settings.yaml"
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data: {depth: "1"}
"""
POLICY = """\
apiVersion: ray-gitops.io/v1
kind: AutoscalerPolicy
metadata:
  name: teams
spec:
  tenants:
    - {name: blue, clusters: {namespaces: [team-blue]}, quota: {pods: 2}}
"""


class Namespaces:
    """What the rights that a story grants must be enough for."""

    agent_id = "kustomized"
    home = "ray-gitops"  # where the agent's own objects are

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.take_rights_away)
        cls.grant_rights()
        super().setUpClass()
        cls.namespace = TEAM
        folder = cls.agent.cache.parent
        kubeconfig = service_account_kubeconfig(cls.cluster, folder, cls.home, cls.account())
        text = cls.agent_yaml().read_text("utf-8")
        text = text.replace(f"agentNamespace: {cls.agent_id}", f"agentNamespace: {cls.home}")
        text = text.replace(f"defaultNamespace: {cls.agent_id}", f"defaultNamespace: {cls.home}")
        cls.text = text.replace(str(cls.cluster.kubeconfig), str(kubeconfig))
        cls.keep_to(cls.home, TEAM)

    @classmethod
    def account(cls):
        return "ray-gitops"

    @classmethod
    def agent_yaml(cls):
        return cls.agent.cache.parent / "agent.yaml"

    @classmethod
    def keep_to(cls, *namespaces):
        """The agent is started anew with a configuration that names these."""
        if cls.agent.is_running():
            cls.agent.stop()
        cls.agent_yaml().write_text(cls.text.replace(
            "\ncluster:\n", f"\ncluster:\n  namespaces: [{', '.join(namespaces)}]\n"), "utf-8")
        cls.agent.start()

    @classmethod
    def make_namespace(cls):
        """The rights were granted in it."""

    @staticmethod
    def make_namespaces():
        for name in (TEAM, ELSEWHERE):
            kubectl("create", "namespace", name)

    @classmethod
    def take_rights_away(cls):
        kubectl("delete", "namespace", TEAM, ELSEWHERE, "--ignore-not-found")

    def write(self, path, text):
        self.repository.write(path, within(TEAM, text))

    def test_1_works_where_it_may_and_says_where_not(self):
        self.write(FILE, cluster_yaml("ray", group_yaml("w", 2)))
        self.repository.write("clusters/far.yaml", within(ELSEWHERE, cluster_yaml("far")))
        commit = self.push("Here and there")
        self.wait_for_pods("ray", 2)
        self.wait_for_status("ray", "Ready", commit)
        far = wait_for(lambda: self.repository.cluster_status(ELSEWHERE, "far"),
                       STATUS_SECONDS_MAX, "a status of what is elsewhere")
        self.assertIn("clusters/far.yaml:4:14 NamespaceNotAllowed", far["message"])
        self.assertEqual([], self.api.list("pods", ELSEWHERE))
        self.agent.kill()
        self.agent.start()
        self.repository.remove("clusters/far.yaml")
        self.write(FILE, cluster_yaml("ray", group_yaml("w", 1)))
        commit = self.push("Smaller")
        self.wait_for_pods("ray", 1)
        self.wait_for_status("ray", "Ready", commit)

    def test_2_why_looks_there_alone(self):
        done = subprocess.run([PROGRAM, "why", "--config", str(self.agent_yaml()), "ray"],
                              text=True, check=False, capture_output=True,
                              timeout=STATUS_SECONDS_MAX)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertIn("has as many workers as its file says", done.stdout)

    def test_2_check_asks_about_these_namespaces_alone(self):
        done = check(self.agent_yaml())
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertNotIn("NO ", done.stdout)
        self.assertNotIn("in all namespaces", done.stdout)
        self.assertIn(f"delete pods in namespace {TEAM}\n", done.stdout)
        with self.assertRaises(subprocess.CalledProcessError) as refused:
            kubectl("auth", "can-i", "list", "pods", "-n", ELSEWHERE,
                    f"--as=system:serviceaccount:{self.home}:{self.account()}")
        self.assertEqual("no", refused.exception.stdout.strip())

    def test_2_plan_looks_there_alone(self):
        self.write("clusters/second.yaml", cluster_yaml("second"))
        self.write(COMPANION, SETTINGS)
        done = self.run_plan("--path", self.repository.work)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        self.assertEqual([f"ConfigMap/{TEAM}/settings"], self.deeds(done.stdout, "apply"))
        self.assertIn(self.pod("second-head"), self.deeds(done.stdout, "create"))
        self.assertNotIn("Not seen", done.stdout)

    def test_3_jobs_services_companions_and_policies(self):
        for name, text in (("job", JOB), ("service", SERVICE), ("policy", POLICY)):
            self.write(f"clusters/{name}.yaml", text)
        commit = self.push("One of each")
        self.wait_for_status("second", "Ready", commit)
        settings = self.api.object("configmaps", TEAM, "settings")
        self.assertEqual({"depth": "1"}, settings["data"])
        wait_for(lambda: [pod for pod in self.api.list("pods", TEAM)
                          if pod["metadata"]["name"].startswith("web-")], STATUS_SECONDS_MAX,
                 "the head of the service's cluster")
        self.assertEqual("Ready", self.phase_of("autoscalerpolicy/teams"))
        for name in ("rayjob/count", "rayservice/web"):
            self.assertNotIn(self.phase_of(name), ("Blocked", "Failed", "Degraded"))

    def phase_of(self, name):
        return self.repository.status_json(f"objects/{TEAM}/{name}.json")["phase"]

    def test_4_what_is_taken_out_stays_and_is_brought_up_to_date_when_it_is_put_back(self):
        pods = self.pods("ray")
        self.keep_to(self.home)
        self.write(FILE, cluster_yaml("ray", group_yaml("w", 2)))
        self.repository.remove(COMPANION)
        self.repository.remove("clusters/second.yaml")
        commit = self.push("While nobody looks")
        blocked = self.wait_for_status("ray", "Blocked", commit)
        self.assertIn("NamespaceNotAllowed", blocked["message"])
        self.assert_untouched("ray", pods)
        self.assertIsNotNone(self.api.object("configmaps", TEAM, "settings"))
        self.keep_to(self.home, TEAM)
        self.wait_for_pods("ray", 2)
        self.wait_for_status("ray", "Ready", commit)
        wait_for(lambda: self.api.object("configmaps", TEAM, "settings") is None,
                 STATUS_SECONDS_MAX, "the end of the companion")
        wait_for(lambda: not self.pods("second"), STATUS_SECONDS_MAX, "the end of the cluster")

    def test_5_nothing_was_refused(self):
        self.assertNotIn("forbidden", self.agent.log().lower())


class KustomizedNamespaces(Namespaces, PlanStory):
    """By the component of the kustomization."""

    @classmethod
    def grant_rights(cls):
        cls.make_namespaces()
        with tempfile.TemporaryDirectory(dir=ROOT / "deploy") as folder:
            pathlib.Path(folder, "kustomization.yaml").write_text(
                "resources: [../kustomize]\ncomponents: [../kustomize/namespaced]\n", "utf-8")
            kubectl("apply", "-k", folder)
        kubectl("delete", "clusterrolebinding", cls.home, "--ignore-not-found")
        binding = (ROOT / "deploy/kustomize/namespaced/binding.yaml").read_text("utf-8")
        kubectl("apply", "-f", "-", text=binding.replace(f"  namespace: {cls.home}\n",
                                                         f"  namespace: {TEAM}\n", 1))

    @classmethod
    def take_rights_away(cls):
        super().take_rights_away()
        kubectl("delete", "rolebinding", "ray-gitops-objects", "-n", cls.home,
                "--ignore-not-found")
