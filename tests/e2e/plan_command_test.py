"""`ray-gitops plan`: what the agent would do, beside an agent that does it. Nothing is written."""

import json
import os
import pathlib
import socket
import subprocess

from repository import git
from world import PROGRAM, Story, cluster_yaml, group_yaml, wait_for

SECONDS_MAX = 60
RAY = "clusters/ray.yaml"
SECOND = "clusters/second.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: token
stringData:
  token: hunter2
"""
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: other
contexts: [{{name: other, context: {{cluster: other, user: nobody}}}}]
clusters: [{{name: other, cluster: {{server: "{server}"}}}}]
users: [{{name: nobody, user: {{}}}}]
"""
JOB = """\
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: count
spec:
  entrypoint: python -c 1
  clusterSelector: {ray.io/cluster: ray}
"""
SERVICE = """\
apiVersion: ray.io/v1
kind: RayService
metadata:
  name: web
spec:
  serveConfigV2: |
    applications:
      - name: app
        import_path: app:app
  rayClusterConfig:
    rayVersion: 2.60.0
    headGroupSpec:
      rayStartParams: {}
      template:
        spec:
          containers:
            - name: ray-head
              image: rayproject/ray:2.60.0
"""


class PlanStory(Story):
    def run_plan(self, *arguments, config=None):
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.agent.cache.parent / "plan-cache")}
        return subprocess.run([PROGRAM, "plan", "--config", str(config or self.config),
                               *map(str, arguments)], capture_output=True, text=True, check=False,
                              timeout=SECONDS_MAX, env=environment, stdin=subprocess.DEVNULL)

    @property
    def config(self):
        return self.agent.cache.parent / "agent.yaml"

    def planned(self, *arguments, code=0):
        """The text, of a plan that has changed nothing in the cluster and the repository."""
        before = self.everything()
        done = self.run_plan(*arguments)
        self.assertEqual((code, ""), (done.returncode, done.stderr), done.stdout)
        self.assertEqual(before, self.everything())
        return done.stdout

    def everything(self):
        return self.api.versions(), git(self.repository.path, "for-each-ref"), self.holder()

    def holder(self):
        lease = self.api.lease(self.namespace, f"ray-gitops-{self.agent_id}")
        return lease and (lease["metadata"]["uid"], lease["spec"]["holderIdentity"],
                          lease["spec"]["leaseTransitions"])

    def deeds(self, text, verb):
        """What is done so, in order."""
        lines = [line.strip() for line in text.split("\n")]
        return [line.split()[1].rstrip(":") for line in lines if line.startswith(verb + " ")]

    def pod(self, name):
        return f"Pod/{self.namespace}/{name}"


class PlanBeforeTheAgent(PlanStory):
    """No agent has ever run."""

    agent_id = "unplanned"

    @classmethod
    def tear_down_story(cls):
        """Nothing was made."""

    def test_plans_all_of_a_first_commit_and_writes_nothing(self):
        self.repository.write(RAY, cluster_yaml("ray", group_yaml("small", 2)))
        self.repository.write("clusters/secret.yaml", SECRET)
        commit = self.repository.push("A cluster and a Secret")
        text = self.planned()
        self.assertIn(f"unplanned: plan of branch main at commit {commit[:7]}; "
                      "no commit was acted on before\n", text)
        self.assertIn("+ RayCluster/unplanned/ray (clusters/ray.yaml:1)\n", text)
        self.assertEqual([self.pod("ray-head"), self.pod("ray-small-worker-0"),
                          self.pod("ray-small-worker-1")],
                         [deed for deed in self.deeds(text, "create") if deed.startswith("Pod")])
        self.assertIn("2 to create, 0 to change, 0 to delete, 0 restarts\n", text)
        self.assertIn("Secret/unplanned/token", text)
        self.assertIsNone(self.holder())
        for output in ("text", "json"):
            self.assertNotIn("hunter2", self.planned("--output", output))
        self.assertEqual([], [item for item in self.api.list("configmaps", self.namespace)])
        self.assertEqual(3, self.run_plan("--exit-code").returncode)

    def config_with_cluster(self, server):
        """The agent's configuration, but for the cluster."""
        folder = self.agent.cache.parent
        (folder / "other-kubeconfig").write_text(KUBECONFIG.format(server=server), "utf-8")
        text = self.config.read_text("utf-8")
        config = folder / "other.yaml"
        config.write_text(text.replace(str(self.cluster.kubeconfig),
                                       str(folder / "other-kubeconfig")), "utf-8")
        return config

    def test_what_cannot_be_reached_is_named(self):
        config = self.config_with_cluster("http://127.0.0.1:1")
        done = self.run_plan(config=config)
        self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
        self.assertIn("of the cluster cannot be listed", done.stderr)
        self.assertIn("can it be reached from here?", done.stderr)
        text = self.config.read_text("utf-8")
        config.write_text(text.replace("repository.git", "elsewhere.git"), "utf-8")
        done = self.run_plan(config=config)
        self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
        self.assertIn("is repository.url right", done.stderr)
        self.assertIn("the repository has no branch nonsense",
                      self.planned("--commit", "nonsense", code=1))

    def test_gives_up_on_a_cluster_that_is_silent(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            config = self.config_with_cluster(f"http://127.0.0.1:{server.getsockname()[1]}")
            done = self.run_plan("--timeout", "1", config=config)
        self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
        self.assertIn("no answer within 1 s from the list of configmaps, ", done.stderr)
        self.assertIn("--timeout gives it more time", done.stderr)

    def test_wrong_usage(self):
        for arguments in (["--commit", "main", "--path", "."], ["--output", "yaml"],
                          ["--timeout", "0"], ["nonsense"]):
            self.assertEqual(2, self.run_plan(*arguments).returncode, arguments)
        self.assertEqual(2, self.run_plan(config="missing.yaml").returncode)
        self.assertIn("Examples:", self.run_plan("--help").stdout)


class PlanBesideTheAgent(PlanStory):
    agent_id = "planned"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.agent.start()

    def setUp(self):
        git(self.repository.work, "checkout", "--quiet", "-B", "main")
        self.write_files()
        self.commit = self.push("Two clusters")
        self.before = self.wait_for_pods("ray", 1)
        self.wait_for_pods("second")
        self.wait_for_status("ray", "Ready", self.commit)
        self.wait_for_status("second", "Ready", self.commit)

    def write_files(self):
        self.repository.write(RAY, cluster_yaml("ray", group_yaml("small", 1)))
        self.repository.write(SECOND, cluster_yaml("second"))

    def tearDown(self):
        """The agent at work saw nothing of it."""
        self.assertTrue(self.agent.is_running())
        self.assert_untouched("ray", self.before)
        git(self.repository.work, "reset", "--quiet", "--hard", self.commit)

    def of_working_copy(self, code=0):
        return self.planned("--path", self.repository.work, code=code)

    def test_a_converged_cluster_has_nothing_to_do(self):
        text = self.planned("--exit-code")
        self.assertEqual(f"planned: plan of branch main at commit {self.commit[:7]}\n\n"
                         "2 objects unchanged: 2 Ready\n\nnothing to do\n", text)
        self.assertEqual(text, self.planned())

    def test_the_scale_of_another_branch_is_one_pod(self):
        git(self.repository.work, "checkout", "--quiet", "-B", "more")
        self.repository.write(RAY, cluster_yaml("ray", group_yaml("small", 2)))
        git(self.repository.work, "commit", "--quiet", "--all", "--message", "One more")
        git(self.repository.work, "push", "--quiet", "--force", "origin", "more")
        text = self.planned("--commit", "more")
        self.assertEqual([self.pod("ray-small-worker-1")], self.deeds(text, "create"))
        self.assertEqual([], self.deeds(text, "delete"))
        self.assertIn("1 object unchanged: 1 Ready\n", text)
        self.assertIn("0 to create, 1 to change, 0 to delete, 0 restarts\n", text)
        self.assertEqual(text, self.planned("--commit", "more"))
        self.assertEqual(text, self.planned("--commit", "more", "--exit-code", code=3))
        git(self.repository.work, "checkout", "--quiet", "main")

    def test_files_that_are_not_committed(self):
        self.repository.write(RAY, cluster_yaml("ray", group_yaml("small", 1, env="new")))
        text = self.of_working_copy()
        self.assertIn(f"plan of the files in {self.repository.work}; commit", text)
        self.assertEqual([self.pod("ray-small-worker-0")], self.deeds(text, "delete"))
        self.assertIn("0 to create, 1 to change, 0 to delete, 1 restart\n", text)
        # Another head is a restart of the whole, the head last.
        self.repository.write(RAY, cluster_yaml("ray", group_yaml("small", 1), "1100Mi"))
        text = self.of_working_copy()
        self.assertEqual([self.pod("ray-small-worker-0"), self.pod("ray-head")],
                         self.deeds(text, "delete"))
        self.assertIn("1 to change, 0 to delete, 2 restarts\n", text)
        self.assertIn("the head's template changed", text)

    def test_a_job_for_a_cluster_that_is_there(self):
        self.repository.write("clusters/job.yaml", JOB)
        self.addCleanup(self.repository.remove, "clusters/job.yaml")
        text = self.of_working_copy()
        self.assertNotIn("Not seen", text)
        self.assertRegex(text, r"\n    ask Ray: submit job count-\w+-1: ")
        self.assertIn("\n  then Running ", text)
        self.assertIn("1 to create, 0 to change, 0 to delete, 0 restarts, 1 job to submit\n", text)

    def test_a_removal_shows_what_is_deleted(self):
        self.repository.remove(SECOND)
        text = self.of_working_copy()
        self.assertIn("- RayCluster/planned/second\n", text)
        deleted = self.deeds(text, "delete")
        self.assertIn(self.pod("second-head"), deleted)
        self.assertEqual("ConfigMap/planned/raycluster.second", deleted[-1])
        self.assertIn("0 to create, 0 to change, 1 to delete, 0 restarts\n", text)

    def test_what_would_be_held_is_shown_with_its_id(self):
        self.repository.remove("clusters")
        (self.repository.work / "clusters").mkdir()
        text = self.of_working_copy(code=1)
        hold = json.loads(self.planned("--path", self.repository.work, "--output", "json",
                                       code=1))["hold"]
        self.assertIn(f"Held ({hold['id']}): no declaration is left", text)
        self.assertIn(f"Ray-Gitops-Release: {hold['id']}", text)
        self.assertIn("! RayCluster/planned/second\n  Held WaitsForRelease: see above\n", text)
        self.assertEqual([], self.deeds(text, "delete"))
        # The same id is what the agent asks for.
        self.repository.remove("clusters")
        self.push("Emptied")
        self.assertEqual(hold["id"], self.wait_for_hold()["id"])
        self.write_files()
        self.commit = self.push("As before")
        wait_for(lambda: "hold" not in self.repository.summary(), SECONDS_MAX, "the hold's end")

    def test_a_bad_file_is_told_as_validate_does(self):
        self.repository.write(SECOND, cluster_yaml("second").replace("headGroupSpec", "headGroup"))
        text = self.of_working_copy(code=1)
        done = subprocess.run([PROGRAM, "validate", "clusters"], capture_output=True, text=True,
                              check=False, cwd=self.repository.work, timeout=SECONDS_MAX)
        diagnostics = done.stdout.split("\n")[:-2]
        self.assertRegex(diagnostics[0], r"^clusters/second\.yaml:\d+:\d+ ")
        for line in diagnostics:
            self.assertIn(f"\n  {line}\n", text)
        self.assertIn("! RayCluster/planned/second (clusters/second.yaml:1)\n  Blocked ", text)
        self.assertIn("keeps running", text)
        self.assertRegex(text, r"nothing to do; \d+ errors?\n$")

    def test_a_service_that_is_not_there_yet(self):
        self.repository.write("clusters/service.yaml", SERVICE)
        self.addCleanup(self.repository.remove, "clusters/service.yaml")
        text = self.of_working_copy()
        self.assertIn("+ RayService/planned/web (clusters/service.yaml:1)\n", text)
        self.assertRegex(text, r"\n    ask Ray: put Serve configuration")
        self.assertIn("create Service/planned/web-serve-svc", text)
        self.assertRegex(text, r"1 to create, 0 to change, 0 to delete, 0 restarts, 1 Serve config")

    def test_reads_the_names_that_the_agent_would_read(self):
        """A hidden file counts, a hidden folder does not, and a link to a folder is told."""
        for path in ("clusters/.hidden.yaml", "clusters/.folder/b.yaml"):
            self.repository.write(path, "kind: 1\n")
            self.addCleanup(self.repository.remove, path)
        link = self.repository.work / "clusters" / "link"
        link.symlink_to("/etc")
        self.addCleanup(link.unlink)
        text = self.of_working_copy(code=1)
        self.assertIn("clusters/.hidden.yaml:1:", text)
        self.assertNotIn(".folder", text)
        self.assertIn("clusters/link", text)
        self.assertIn("links are not followed", text)

    def test_an_older_commit_would_not_be_acted_on(self):
        self.repository.write("README.md", "later")
        later = self.push("Later")
        wait_for(lambda: self.repository.summary()["source"]["acceptedCommit"] == later,
                 SECONDS_MAX, "the later commit in force")
        text = self.planned("--commit", self.commit, code=1)
        self.assertIn(f"commit {self.commit[:7]} does not descend from {later[:7]}", text)
        self.assertEqual([], self.deeds(text, "delete"))
        self.commit = later

    def test_a_folder_that_is_no_working_copy(self):
        done = self.run_plan("--path", pathlib.Path("/nonexistent"))
        self.assertEqual((1, ""), (done.returncode, done.stdout))
        self.assertIn("--path is the root of a working copy", done.stderr)
