"""`ray-gitops status` on a branch as an agent leaves it. Neither agent nor cluster is needed."""

import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import tempfile
import termios
import unittest

from repository import Repository, git
from world import PROGRAM

SECONDS_MAX = 30
VERSION = "ray-gitops.io/v1alpha1"
NEW, OLD = "b" * 40, "a" * 40
# Clears the screen, turns the direction of text around, ends a line.
HOSTILE = "\x1b[2J\u202e\nforged"


def status_of(kind, name, phase, message, **more):
    path = f"teams/{name}.yaml"
    return {
        "apiVersion": VERSION, "kind": "ObjectStatus",
        "object": {"kind": kind, "namespace": "team-a", "name": name},
        "phase": phase, "reason": "Because", "message": message, "since": "2026-01-02T03:04:05Z",
        "file": path, "line": 1, "spec": {"commit": NEW, "hash": "v1:1"},
        "applied": {"commit": OLD, "file": path, "hash": "v1:1"},
        "conditions": [{"type": "Ready", "status": "False", "reason": "Because",
                        "message": message}],
        **more}


RUN = {"runHash": "v1:1", "result": "Succeeded", "attempt": 2, "submissionId": "nightly-1",
       "reason": "JobSucceeded", "message": "the job has succeeded",
       "finishedAt": "2026-01-02T03:04:05Z"}
FILES = {
    "README.md": "# Ray status\n",
    "summary.json": {
        "apiVersion": VERSION, "kind": "Summary", "agent": {"id": "prod", "version": "1.2.3"},
        "source": {"branch": "main", "observedCommit": NEW, "acceptedCommit": OLD},
        "objects": 4, "phases": {"Blocked": 1, "Ready": 2, "Succeeded": 1}, "diagnostics": 1,
        "hold": {"id": "0123456789ab", "message": "it would remove 6 of 10 objects"}},
    "objects/team-a/raycluster/first.json": status_of(
        "RayCluster", "first", "Ready", "the head and 2 workers are ready",
        ray={"headReady": True, "groups": [{"name": "small", "ready": 2, "wanted": 2}]}),
    "objects/team-a/raycluster/wrong.json": status_of(
        "RayCluster", "wrong", "Blocked", "`replica` is no field, and much more is to be said",
        next="write `replicas`"),
    "objects/team-a/raycluster/nightly.json": status_of(
        "RayCluster", "nightly", "Ready", HOSTILE),
    "objects/team-a/rayjob/nightly.json": status_of(
        "RayJob", "nightly", "Succeeded", "the job has succeeded"),
    "ledger/team-a/nightly.json": {
        "apiVersion": VERSION, "kind": "JobLedger",
        "object": {"kind": "RayJob", "namespace": "team-a", "name": "nightly"}, "runs": [RUN]},
    "errors/teams/wrong.yaml.md":
        "# teams/wrong.yaml\n\n## Line 9, column 3: UnknownField\n\n"
        "* Found: \\`replica\\` is no field\n* Do: write \\`replicas\\`\n",
}


class StatusCommand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "cache"),
                            "TMPDIR": str(self.folder), "TERM": "xterm"}
        self.environment.pop("NO_COLOR", None)
        self.repository = Repository(self.folder, "ray-status/prod")
        self.publish(FILES)

    def publish(self, files):
        for path, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
            self.repository.write(path, text)
        git(self.repository.work, "add", "--all")
        git(self.repository.work, "commit", "--quiet", "--message", "status(prod): 3 ready")
        git(self.repository.work, "push", "--quiet", "origin", "HEAD:refs/heads/ray-status/prod")

    def configure(self, more=""):
        path = self.folder / "agent.yaml"
        path.write_text(f"apiVersion: {VERSION}\nkind: AgentConfig\nagentId: prod\nrepository:\n"
                        f"{self.repository.settings}\n{more}", "utf-8")
        return str(path)

    def run_status(self, *arguments):
        return subprocess.run([PROGRAM, "status", *arguments], capture_output=True, text=True,
                              check=False, timeout=SECONDS_MAX, cwd=self.folder,
                              env=self.environment, stdin=subprocess.DEVNULL)

    def ask(self, *arguments):
        return self.run_status("--repository", str(self.repository.path), "--agent", "prod",
                               *arguments)

    def shown(self, *arguments):
        done = self.ask(*arguments)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout

    def on_a_terminal(self, columns, *arguments):
        """What the program writes to a terminal of this width."""
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [PROGRAM, "status", "--repository", str(self.repository.path), "--agent", "prod",
                   *arguments]
        with subprocess.Popen(command, stdout=its, env=self.environment,
                              stdin=subprocess.DEVNULL) as process:
            os.close(its)
            written = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    piece = b""
                if not piece:
                    break
                written += piece
            os.close(ours)
            self.assertEqual(0, process.wait(SECONDS_MAX))
        return written.decode("utf-8").replace("\r\n", "\n")

    def refused(self, code, *arguments):
        done = self.run_status(*arguments)
        self.assertEqual((code, ""), (done.returncode, done.stdout), done.stderr)
        return done.stderr

    def test_shows_all_objects_and_what_is_held_and_wrong(self):
        text = self.shown()
        lines = text.split("\n")
        self.assertIn("prod: branch main at commit bbbbbbb, acting on commit aaaaaaa; 4 objects: "
                      "1 Blocked, 2 Ready, 1 Succeeded", lines)
        self.assertIn("Held: it would remove 6 of 10 objects", lines)
        self.assertIn("  Ray-Gitops-Release: 0123456789ab", lines)
        self.assertIn("  teams/wrong.yaml:9:3 UnknownField: `replica` is no field; "
                      "write `replicas`", lines)
        table = lines[lines.index("") + 1:]
        self.assertRegex(table[0], r"^STATE +OBJECT +MESSAGE +FILE +SINCE$")
        self.assertRegex(table[1], r"^Blocked +RayCluster/team-a/wrong +`replica` is no field, and "
                                   r"much more is to be said +teams/wrong\.yaml:1 +2026-01-02T")
        self.assertRegex(table[4], r"^Succeeded +RayJob/team-a/nightly ")

    def test_shows_one_object_with_all_that_is_known(self):
        wrong = self.shown("wrong")
        for fact in ("RayCluster/team-a/wrong: Blocked (Because)", NEW, OLD, "Ready is False",
                     "teams/wrong.yaml:9:3 UnknownField", "next        write `replicas`"):
            self.assertIn(fact, wrong)
        self.assertIn("groups: name small, ready 2, wanted 2", self.shown("raycluster/first"))
        self.assertRegex(self.shown("RayJob/team-a/nightly"),
                         r"Succeeded +2026-01-02T03:04:05Z +2 +nightly-1 +JobSucceeded")

    def test_json_is_the_file_on_the_branch(self):
        self.assertEqual(FILES["summary.json"], json.loads(self.shown("--output", "json")))
        path = "objects/team-a/raycluster/first.json"
        self.assertEqual((self.repository.work / path).read_text("utf-8"),
                         self.shown("first", "--output", "json"))
        hostile = self.shown("RayCluster/nightly", "--output", "json")
        self.assertEqual(FILES["objects/team-a/raycluster/nightly.json"], json.loads(hostile))
        self.assertTrue(hostile.isascii())

    def test_what_strangers_wrote_does_not_command_the_terminal(self):
        for text in (self.shown(), self.shown("RayCluster/nightly")):
            self.assertIn(r"\x1b[2J\xe2\x80\xae\x0aforged", text)
            self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f\u202e]")

    def test_a_terminal_gets_colour_and_lines_that_fit(self):
        text = self.on_a_terminal(110)
        self.assertIn("\x1b[31mBlocked\x1b[0m", text)
        self.assertRegex(text, r"`replica` is no field, and[^\n]*… +teams/wrong.yaml:1")
        row = next(line for line in text.split("\n") if "team-a/wrong" in line)
        self.assertEqual(110, len(row.replace("\x1b[31m", "").replace("\x1b[0m", "")))
        self.environment["NO_COLOR"] = "1"
        self.assertNotIn("\x1b", self.on_a_terminal(110))

    def test_reads_as_the_configuration_says(self):
        done = self.run_status("--config", self.configure())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(self.shown(), done.stdout)
        silent = self.configure("status:\n  enabled: false\n")
        self.assertIn("reports nothing", self.refused(2, "--config", silent))
        other = self.configure("status:\n  branch: elsewhere\n")
        self.assertIn("elsewhere", self.refused(1, "--config", other))
        again = self.run_status("--config", other, "--branch", "ray-status/prod")
        self.assertEqual(0, again.returncode, again.stderr)

    def test_shows_what_is_new_and_leaves_the_repository_alone(self):
        self.shown()
        before = git(self.repository.path, "for-each-ref")
        self.publish({"objects/team-a/raycluster/late.json":
                      status_of("RayCluster", "late", "Pending", "nothing yet")})
        self.assertIn("RayCluster/team-a/late", self.shown())
        self.assertEqual(len(before.split("\n")),
                         len(git(self.repository.path, "for-each-ref").split("\n")))

    def test_two_at_a_time_do_not_disturb_each_other(self):
        self.shown()
        (lock,) = (self.folder / "cache").rglob("lock")
        with lock.open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            self.assertIn("RayCluster/team-a/first", self.shown())
        self.assertEqual([], list(self.folder.glob("ray-gitops-status-*")), "it tidies up")

    def test_says_what_to_do_when_the_branch_cannot_be_read(self):
        path = str(self.repository.path)
        self.assertIn("the agent has not reported yet: is it running, does its agentId match?",
                      self.refused(1, "--repository", path, "--agent", "nobody"))
        self.assertIn("there is no Git repository",
                      self.refused(1, "--repository", "nowhere", "--agent", "prod"))
        git(self.repository.work, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        self.publish({"summary.json": "{}\n"})
        self.assertIn("is this the status branch of an agent",
                      self.refused(1, "--repository", path, "--agent", "prod"))
        self.assertIn("Summary", self.run_status("--repository", path, "--branch", "main",
                                                 "--output", "json").stdout)

    def test_an_object_that_is_not_there_and_one_of_several(self):
        here = ["--repository", str(self.repository.path), "--agent", "prod"]
        self.assertIn("no such object", self.refused(1, *here, "missing"))
        several = self.refused(2, *here, "nightly")
        self.assertIn("RayCluster/team-a/nightly, RayJob/team-a/nightly", several)
        self.assertIn("Kind/namespace/name", self.refused(2, *here, "a/b/c/d"))

    def test_wrong_usage(self):
        path = str(self.repository.path)
        self.refused(2)
        self.refused(2, "--repository", path)
        self.refused(2, "--repository", path, "--agent", "prod", "--config", self.configure())
        self.refused(2, "--repository", path, "--agent", "prod", "--output", "yaml")
        self.refused(2, "--config", "missing.yaml")
        self.assertIn("Examples:", self.run_status("--help").stdout)
