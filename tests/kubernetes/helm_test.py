"""deploy/helm as a user installs it, by Helm itself, into a namespace that admits no privilege."""

import functools
import json
import os
import subprocess
import unittest

from namespaces_test import TEAM, Namespaces
from plan_command_test import PlanStory
from world import PROGRAM, ROOT, STATUS_SECONDS_MAX, the_world, wait_for

CHART = ROOT / "deploy/helm/ray-gitops"
NAMESPACE = "helm-story"
RELEASE = "blue"
NAME = "blue-ray-gitops"
# What Helm takes the server for when it renders without one.
OFFLINE = ("--kube-version", "1.37")
HELM_SECONDS_MAX = 120
BUILD_SECONDS_MAX = 1200
NEEDED = ("--set", "image.repository=registry.example.com/ray-gitops",
          "--set", "config.repository.url=https://git.example.com/team/clusters.git")


@functools.cache
def ensure_helm():
    done = subprocess.run(["bash", "-c", f"source {ROOT}/scripts/lib.sh && ensure_helm"],
                          check=True, text=True, stdout=subprocess.PIPE,
                          timeout=BUILD_SECONDS_MAX)
    return done.stdout.strip()


def run(*command, seconds=STATUS_SECONDS_MAX, **options):
    done = subprocess.run(command, text=True, check=False, capture_output=True, timeout=seconds,
                          **options)
    return done.returncode, done.stdout, done.stderr


def helm(*arguments):
    code, out, error = run(ensure_helm(), *arguments, "--kubeconfig",
                           str(the_world().cluster.kubeconfig), seconds=HELM_SECONDS_MAX)
    if code != 0:
        raise AssertionError(error)
    return out


def kubectl(*arguments, **options):
    code, out, error = run(os.environ["RAY_GITOPS_KUBECTL"], *arguments, **options)
    if code != 0:
        raise AssertionError(error)
    return out


def objects_in(manifests):
    """The objects that a YAML text holds, as kubectl understands it."""
    text = kubectl("create", "--dry-run=client", "-o", "json", "-f", "-", input=manifests)
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found += value.get("items", [value])
        text = text[end:]
    return found


def of_kind(objects, kind):
    only, = (each for each in objects if each["kind"] == kind)
    return only


class Chart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = the_world().cluster
        cls.cluster.api.request("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": NAMESPACE,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})

    def template(self, *settings):
        return helm("template", RELEASE, str(CHART), *OFFLINE, "--namespace", NAMESPACE,
                    *NEEDED, *settings)

    def refusal(self, *settings):
        code, _, error = run(ensure_helm(), "template", RELEASE, str(CHART), *OFFLINE, *settings)
        self.assertNotEqual(0, code, settings)
        return error

    def test_1_is_clean_and_checks_its_values(self):
        self.assertIn("0 chart(s) failed",
                      helm("lint", str(CHART), "--strict", *NEEDED))
        self.assertIn("image", self.refusal())
        self.assertIn("replica", self.refusal(*NEEDED, "--set", "replica=2"))
        self.assertIn("agentNamespace", self.refusal(*NEEDED, "--set", "config.agentNamespace=x"))
        self.assertIn("port", self.refusal(*NEEDED, "--set", "metrics.port=80"))

    def test_2_is_installed_and_its_pods_are_admitted(self):
        helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE, *NEEDED,
             "--set", "replicas=2,gitCredentials.secretName=git,"
             "config.cluster.rayAccess=apiserver-proxy")
        wait_for(lambda: self.deployment().get("status", {}).get("availableReplicas") == 2,
                 STATUS_SECONDS_MAX, "two agents")
        pod = self.deployment()["spec"]["template"]["spec"]
        container, = pod["containers"]
        self.assertEqual("/readyz", container["readinessProbe"]["httpGet"]["path"])
        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])

    def deployment(self):
        return json.loads(kubectl("get", "deployment", NAME, "-n", NAMESPACE, "-o", "json"))

    def test_3_its_configuration_and_rights_are_what_the_agent_wants(self):
        token = kubectl("create", "token", NAME, "-n", NAMESPACE).strip()
        folder = the_world().folder / "helm"
        folder.mkdir()
        identity, config = folder / "kubeconfig", folder / "agent.yaml"
        text = self.cluster.kubeconfig.read_text("utf-8")
        identity.write_text(text.replace("admin-token", token), "utf-8")
        config.write_text(kubectl("get", "configmap", NAME, "-n", NAMESPACE, "-o",
                                  r"jsonpath={.data.agent\.yaml}"), "utf-8")
        code, out, error = run(PROGRAM, "check", "--config", str(config),
                               env={**os.environ, "KUBECONFIG": str(identity)})
        self.assertEqual((0, ""), (code, error), out)
        self.assertNotIn("NO ", out)
        self.assertIn("yes  get, create, update pods/proxy in all namespaces\n", out)
        self.assertIn(f"leases in namespace {NAMESPACE}", out)

    def test_4_grants_what_the_kustomization_grants(self):
        ours = objects_in(self.template())
        theirs = objects_in(kubectl("kustomize", str(ROOT / "deploy/kustomize")))
        for kind in ("ClusterRole", "Role"):
            self.assertEqual(of_kind(theirs, kind)["rules"], of_kind(ours, kind)["rules"], kind)
        allowed = "Deployment,Role,HTTPRoute"
        rules = of_kind(objects_in(self.template(
            "--set", f"config.companions.kinds={{{allowed}}}")), "ClusterRole")["rules"]
        self.assertEqual(
            [("apps", ["deployments"]), ("rbac.authorization.k8s.io", ["roles"]),
             ("gateway.networking.k8s.io", ["httproutes"])],
            [(rule["apiGroups"][0], rule["resources"]) for rule in rules[3:]])
        bare = objects_in(self.template("--set", "rbac.create=false"))
        self.assertEqual([], [each for each in bare if "Role" in each["kind"]])

    def test_4_keeps_to_namespaces_that_the_configuration_names(self):
        objects = objects_in(self.template("--set", "config.cluster.namespaces={blue,red}"))
        self.assertEqual([], [each for each in objects if each["kind"].startswith("ClusterRole")])
        roles = [each for each in objects if each["kind"] == "Role" and len(each["rules"]) > 1]
        self.assertEqual(["blue", "red", NAMESPACE],
                         [role["metadata"]["namespace"] for role in roles])
        everywhere = of_kind(objects_in(self.template()), "ClusterRole")["rules"]
        self.assertEqual([rule for rule in everywhere if rule["resources"] != ["namespaces"]],
                         roles[0]["rules"])
        name = roles[0]["metadata"]["name"]
        bindings = [each["metadata"]["namespace"] for each in objects
                    if each["kind"] == "RoleBinding" and each["roleRef"]["name"] == name]
        self.assertEqual(["blue", "red", NAMESPACE], bindings)
        config = of_kind(objects, "ConfigMap")["data"]["agent.yaml"]
        self.assertIn(f"  - blue\n  - red\n  - {NAMESPACE}\n", config)
        self.assertIn("defaultNamespace: blue\n", config)

    def test_5_a_pod_monitor_finds_the_pods(self):
        text = self.template("--set", "metrics.podMonitor.enabled=true", "--show-only",
                             "templates/pod-monitor.yaml")
        self.assertIn("port: metrics\n", text)
        selector = self.deployment()["spec"]["selector"]["matchLabels"]
        for label, value in selector.items():
            self.assertIn(f"      {label}: {value}\n", text)
        self.assertNotIn("PodMonitor", self.template())

    def test_6_a_changed_configuration_restarts_the_agent(self):
        def digest():
            return self.deployment()["spec"]["template"]["metadata"]["annotations"]
        before = digest()
        helm("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values",
             "--set", "config.guards.objects=7")
        self.assertNotEqual(before, digest())
        helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
        self.assertEqual("", kubectl("get", "clusterrole,clusterrolebinding", "-l",
                                     f"app.kubernetes.io/instance={RELEASE}", "-o", "name"))

    def test_7_without_metrics_nothing_listens(self):
        objects = objects_in(self.template("--set", "metrics.enabled=false"))
        container, = of_kind(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
        self.assertNotIn("ports", container)
        self.assertNotIn("readinessProbe", container)
        self.assertNotIn("metrics:", of_kind(objects, "ConfigMap")["data"]["agent.yaml"])
        self.assertEqual([], of_kind(objects, "NetworkPolicy")["spec"].get("ingress", []))


class ChartNamespaces(Namespaces, PlanStory):
    """By the Roles of the chart."""

    agent_id = home = "helm-kept"
    release = "kept"

    @classmethod
    def grant_rights(cls):
        cls.make_namespaces()
        helm("install", cls.release, str(CHART), "--namespace", cls.home, "--create-namespace",
             *NEEDED, "--set", f"config.cluster.namespaces={{{TEAM}}}")

    @classmethod
    def account(cls):
        return f"{cls.release}-ray-gitops"

    @classmethod
    def take_rights_away(cls):
        super().take_rights_away()
        helm("uninstall", cls.release, "--namespace", cls.home, "--wait", "--ignore-not-found")
