"""A bare Git repository and a clone in which tests work, as a team would."""

import json
import os
import shutil
import subprocess

GIT_ENVIRONMENT = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "tester", "GIT_AUTHOR_EMAIL": "tester@localhost",
    "GIT_COMMITTER_NAME": "tester", "GIT_COMMITTER_EMAIL": "tester@localhost",
}


def git(folder, *arguments, check=True):
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=GIT_ENVIRONMENT,
                          capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip() if done.returncode == 0 else None


class Repository:
    def __init__(self, folder, status_branch):
        self.path = folder / "repository.git"
        self.work = folder / "work"
        self.status_branch = status_branch
        self.path.mkdir(parents=True)
        git(self.path, "init", "--quiet", "--bare", "--initial-branch=main")
        self.work.mkdir()
        git(self.work, "init", "--quiet", "--initial-branch=main")
        git(self.work, "remote", "add", "origin", str(self.path))

    @property
    def settings(self):
        """The agent's configuration of it, but for what all repositories have."""
        return f"  url: file://{self.path}\n  allowLocalPath: true"

    def write(self, path, text):
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def read(self, path):
        return (self.work / path).read_text(encoding="utf-8")

    def remove(self, path):
        target = self.work / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def move(self, before, after):
        (self.work / after).parent.mkdir(parents=True, exist_ok=True)
        (self.work / before).rename(self.work / after)

    def push(self, message, force=False):
        """Commits everything and pushes it; the new commit's id."""
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", "--message", message)
        return self.push_as_it_is(force)

    def push_as_it_is(self, force=False):
        git(self.work, "push", "--quiet", *(["--force"] if force else []), "origin", "HEAD:main")
        return git(self.work, "rev-parse", "HEAD")

    def reset(self, commit):
        git(self.work, "reset", "--quiet", "--hard", commit)

    def status_tip(self):
        return git(self.path, "rev-parse", "--quiet", "--verify", self.status_branch, check=False)

    def status_file(self, path):
        """A file of the status branch, or None."""
        return git(self.path, "show", f"{self.status_branch}:{path}", check=False)

    def status_files(self):
        names = git(self.path, "ls-tree", "-r", "--name-only", self.status_branch, check=False)
        return names.split("\n") if names else []

    def status_log(self, form):
        return git(self.path, "log", f"--format={form}", self.status_branch).split("\n")

    def status_json(self, path):
        text = self.status_file(path)
        return json.loads(text) if text else None

    def summary(self):
        return self.status_json("summary.json") or {}

    def cluster_status(self, namespace, name):
        return self.status_json(f"objects/{namespace}/raycluster/{name}.json") or {}
