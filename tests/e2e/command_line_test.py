"""The commands that need no cluster, and people's kubectl."""

import os
import re
import subprocess
import unittest

from world import (PROGRAM, ROOT, RAY_VERSION, STATUS_SECONDS_MAX, Story, cluster_yaml, the_world,
                   wait_for)

KUBECTL = os.environ.get("RAY_GITOPS_KUBECTL", "kubectl")


# An agent that is kept to a namespace.
CONFIG = """\
apiVersion: ray-gitops.io/v1alpha1
kind: AgentConfig
agentId: blue
agentNamespace: blue
defaultNamespace: blue
repository: {url: "https://git.example.com/team/clusters.git"}
cluster: {namespaces: [blue]}
"""


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                          timeout=30)


class Commands(unittest.TestCase):
    def test_validate_accepts_the_examples(self):
        done = run("validate", str(ROOT / "examples-repo"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn(" 0 errors", done.stdout)

    def test_validate_says_where_a_file_is_wrong(self):
        path = the_world().folder / "wrong.yaml"
        path.write_text(cluster_yaml("ray").replace("headGroupSpec", "headGroup"), "utf-8")
        done = run("validate", str(path))
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stdout, r"wrong\.yaml:\d+:\d+ ")

    def test_validate_judges_as_the_agent_of_a_configuration_would(self):
        folder = the_world().folder / "validated"
        folder.mkdir()
        path, config = folder / "ray.yaml", folder / "agent.yaml"
        path.write_text(cluster_yaml("ray"), "utf-8")
        config.write_text(CONFIG, "utf-8")
        self.assertEqual(0, run("validate", "--config", str(config), str(path)).returncode)
        path.write_text(cluster_yaml("ray").replace("  name: ray\n",
                                                    "  name: ray\n  namespace: red\n", 1), "utf-8")
        self.assertEqual(0, run("validate", str(path)).returncode)
        done = run("validate", "--config", str(config), str(path))
        self.assertEqual(1, done.returncode)
        self.assertIn("ray.yaml:5:14 NamespaceNotAllowed", done.stdout)
        self.assertEqual(2, run("validate", "--config", str(config), "--allow-kind", "Role",
                                str(path)).returncode)

    def test_wrong_usage_is_another_exit_code(self):
        self.assertEqual(2, run("validate").returncode)
        self.assertEqual(2, run("nonsense").returncode)
        self.assertEqual(2, run("validate", "/does/not/exist").returncode)

    def test_the_image_installs_the_libraries_that_the_program_needs(self):
        text = (ROOT / "Dockerfile").read_text("utf-8")
        installed = set(text.split("--no-install-recommends", 1)[1].split("&&", 1)[0].split())
        installed |= {"libc6", "libgcc-s1", "libstdc++6"}  # which those need
        header = subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True,
                                check=True, timeout=30).stdout
        for library in re.findall(r"\(NEEDED\).*\[(.+)\]", header):
            found = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True,
                                   check=True, timeout=30).stdout
            owners = {line.split(":", 1)[0] for line in found.splitlines()}
            self.assertTrue(owners & installed, f"{library} of {owners}")

    def test_version(self):
        done = run("version")
        self.assertEqual(0, done.returncode)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_the_examples_are_for_the_version_that_is_tested(self):
        for path in (ROOT / "examples-repo").rglob("raycluster.yaml"):
            text = path.read_text("utf-8")
            self.assertIn(f"rayVersion: {RAY_VERSION}\n", text)
            self.assertEqual(text.count("image:"), text.count(f"rayproject/ray:{RAY_VERSION}\n"))


class Kubectl(Story):
    agent_id = "kubectl"

    def test_shows_pods_and_logs(self):
        self.agent.start()
        self.repository.write("clusters/ray.yaml", cluster_yaml("ray"))
        self.push("A head")
        self.wait_for_pods("ray")
        environment = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)}

        def kubectl(*arguments):
            return subprocess.run([KUBECTL, "--namespace", self.namespace, *arguments],
                                  env=environment, capture_output=True, text=True, check=False,
                                  timeout=30)
        table = kubectl("get", "pods")
        self.assertEqual(0, table.returncode, table.stderr)
        self.assertRegex(table.stdout, r"(?m)^NAME +READY +STATUS")
        self.assertRegex(table.stdout, r"(?m)^ray-head +1/1 +Running")
        # On a busy machine it is ready before it says so.
        wait_for(lambda: "Ray runtime started" in kubectl("logs", "ray-head").stdout,
                 STATUS_SECONDS_MAX, "the words of a head that has started")
