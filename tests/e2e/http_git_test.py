"""A Git server of its own is not to be relied on, and is told no more than it must be."""

import pathlib

from git_server import ServedRepository
from repository import git
from world import END_SECONDS_MAX, STATUS_SECONDS_MAX, Story, pids_with, stays, wait_for

UNREADABLE = "repository cannot be read"
# A server that does not get on is given up after 20 s.
PATIENCE_SECONDS_MAX = 60


def settings_yaml(value):
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data: {{value: "{value}"}}
"""


class ServedStory(Story):
    secure = False

    @classmethod
    def make_repository(cls):
        cls.served = ServedRepository(cls.world.folder / cls.agent_id,
                                      f"ray-status/{cls.agent_id}", cls.secure)
        cls.addClassCleanup(cls.served.go_away)
        return cls.served

    def declare(self, value):
        self.repository.write("clusters/settings.yaml", settings_yaml(value))
        return self.push(f"Set {value}")

    def value(self):
        for found in self.api.list("configmaps", self.namespace):
            if found["metadata"]["name"] == "settings":
                return found["data"]["value"]
        return None

    def wait_for_value(self, value):
        wait_for(lambda: self.value() == value, STATUS_SECONDS_MAX, f"the value {value}")

    def assert_works(self, value):
        commit = self.declare(value)
        self.wait_for_value(value)
        self.wait_for_observed(commit)


class HttpGit(ServedStory):
    agent_id = "http-git"

    def setUp(self):
        if not self.agent.is_running():
            self.agent.start()
        self.assert_works(f"before {self._testMethodName}")

    def wait_for_log(self, text, start, seconds=PATIENCE_SECONDS_MAX):
        def said():
            self.agent.wake()
            return text in self.agent.log()[start:]
        wait_for(said, seconds, f"'{text}' in the log")

    def test_another_writer_of_the_status_branch_is_not_overwritten(self):
        tip = self.repository.status_tip()
        tree = git(self.repository.path, "rev-parse", f"{tip}^{{tree}}")
        other = git(self.repository.path, "commit-tree", tree, "-p", tip, "-m", "Somebody else's")
        git(self.repository.path, "update-ref", f"refs/heads/{self.repository.status_branch}",
            other, tip)
        self.assert_works("after another writer")
        self.assertNotEqual(other, self.repository.status_tip())
        git(self.repository.path, "merge-base", "--is-ancestor", other,
            self.repository.status_tip())

    def test_nothing_is_deleted_while_the_server_is_away(self):
        start, before = len(self.agent.log()), self.value()
        self.repository.go_away()
        self.repository.remove("clusters/settings.yaml")
        self.repository.write("clusters/other.yaml",
                              settings_yaml("other").replace("settings", "other"))
        self.push("Made while the server is away")
        self.wait_for_log(UNREADABLE, start)
        stays(lambda: self.value() == before, 3, "the value")
        self.repository.serve()
        self.wait_for_log("repository can be read again", start)
        wait_for(lambda: self.value() is None, END_SECONDS_MAX, "the removal")
        self.repository.remove("clusters/other.yaml")

    def test_a_server_that_misbehaves_is_reported_and_changes_nothing(self):
        cases = {"/page": "invalid content-type: 'text/html'",
                 "/busy": "503",
                 "/silent": "made no progress for 20000 ms",
                 "/endless": "needs more memory than the Git child may have|made no progress",
                 "/auth/away/auth": "cannot redirect from '127.0.0.1' to 'localhost'"}
        before = self.value()
        for how, text in cases.items():
            with self.subTest(how):
                start = len(self.agent.log())
                self.repository.behave(how)
                self.addCleanup(self.repository.behave, "/auth")
                self.wait_for_log(UNREADABLE, start)
                self.assertRegex(self.agent.log()[start:], text)
                self.assertEqual(before, self.value())
                self.repository.behave("/auth")
                self.wait_for_log("repository can be read again", start)
        self.assertEqual({"127.0.0.1"}, self.repository.authorized_hosts())
        self.assert_works("after all of it")

    def test_refused_credentials_are_reported_once_and_a_new_token_is_taken(self):
        self.addCleanup(self.repository.know, "good-token")
        self.addCleanup(self.repository.give_token, "good-token")
        start, before = len(self.agent.log()), self.value()
        self.repository.know("rotated-token")
        self.wait_for_log("the repository refuses the credentials", start)
        self.assertIn(str(self.repository.token_file), self.agent.log()[start:])
        stays(lambda: self.value() == before, 3, "the value")
        self.assertEqual(1, self.agent.log()[start:].count(UNREADABLE))
        self.repository.give_token("rotated-token")
        self.wait_for_log("repository can be read again", start)
        self.assert_works("with the new token")

    def test_the_token_is_nowhere_but_in_its_file(self):
        texts = [self.agent.log()]
        children = pids_with("git-worker") & self.children()
        self.assertTrue(children)
        for pid in {self.agent.pid, *children}:
            for name in ("cmdline", "environ"):
                texts.append(pathlib.Path(f"/proc/{pid}/{name}").read_text("utf-8", "replace"))
        texts += map(self.repository.status_file, self.repository.status_files())
        texts += (file.read_text("utf-8", "replace") for file in self.agent.cache.rglob("*")
                  if file.is_file())
        for text in texts:
            self.assertNotIn("good-token", text)

    def children(self):
        folder = pathlib.Path(f"/proc/{self.agent.pid}/task/{self.agent.pid}")
        return set(map(int, (folder / "children").read_text("ascii").split()))


class HttpsGit(ServedStory):
    agent_id = "https-git"
    secure = True

    def test_commits_take_effect_and_are_reported_with_an_authority_of_its_own(self):
        self.agent.start()
        self.assert_works("over https")
        self.assertEqual({"localhost"}, self.repository.authorized_hosts())
