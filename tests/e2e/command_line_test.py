"""The commands that need no cluster, and people's kubectl."""

import os
import subprocess
import unittest

from world import PROGRAM, ROOT, RAY_VERSION, Story, cluster_yaml, the_world

KUBECTL = os.environ.get("RAY_GITOPS_KUBECTL", "kubectl")


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

    def test_wrong_usage_is_another_exit_code(self):
        self.assertEqual(2, run("validate").returncode)
        self.assertEqual(2, run("nonsense").returncode)
        self.assertEqual(2, run("validate", "/does/not/exist").returncode)

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
        logs = kubectl("logs", "ray-head")
        self.assertIn("Ray runtime started", logs.stdout, logs.stderr)
