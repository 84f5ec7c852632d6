#!/usr/bin/env python3
"""Runs clang-tidy over the program's source files, and remembers what it has passed.

    scripts/tidy.py [--all] [--build DIRECTORY] [--jobs N] [--seconds S] [FILE...]

Without FILE: the files that differ from the merge base with origin/main, together with those that
include one of them; all files with --all, in CI, or where there is no origin/main. A file that
passed is not looked at again until it, one of our headers that it includes, its compile command,
.clang-tidy or clang-tidy itself changes: the passes are kept in
$XDG_CACHE_HOME/ray-gitops/tidy (~/.cache by default). What changed last is looked at first; with
--seconds, files that have not had their turn by then are left for the next run, which is no
failure.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLANG_TIDY = "clang-tidy-19"
# Tests are compiled with every warning and run under sanitizers, and not tidied yet.
FOLDERS = ("agent", "reconcilers")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
MARKER_DAYS_MAX = 30
FILE_SECONDS_MAX = 300


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "ray-gitops" / "tidy"


class Includes:
    """Our own headers behind a file, found by reading `#include "..."` from the root."""

    def __init__(self):
        self._direct = {}

    def direct(self, path):
        if path not in self._direct:
            names = INCLUDE.findall(path.read_text(encoding="utf-8"))
            self._direct[path] = [ROOT / name for name in names if (ROOT / name).is_file()]
        return self._direct[path]

    def closure(self, path):
        seen, todo = set(), [path]
        while todo:
            current = todo.pop()
            if current not in seen:
                seen.add(current)
                todo.extend(self.direct(current))
        return sorted(seen)


def compile_commands(build):
    """Our source files -> their compile command, as one string."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in entries:
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FOLDERS
        if inside:
            commands[path] = entry["command"]
    return commands


def changed_files():
    """Files that differ from origin/main's merge base, or None where that cannot be known."""
    if os.environ.get("CI"):
        return None
    base = subprocess.run(["git", "merge-base", "HEAD", "origin/main"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if base.returncode != 0:
        return None
    names = subprocess.run(["git", "diff", "--name-only", base.stdout.strip()], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split("\n")
    new = subprocess.run(["git", "ls-files", "--others", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout.split("\n")
    return {ROOT / name for name in names + new if name}


def key_of(path, command, includes, version):
    digest = hashlib.sha256()
    settings = (ROOT / ".clang-tidy").read_bytes()
    # The same sources in another checkout are the same.
    for part in (version.encode(), settings, command.replace(str(ROOT), "").encode()):
        digest.update(hashlib.sha256(part).digest())
    for file in includes.closure(path):
        digest.update(str(file.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def run_one(path, build, end):
    """Whether it passed, and what was said; None after the end."""
    if time.monotonic() > end:
        return None, ""
    try:
        done = subprocess.run([CLANG_TIDY, "--quiet", "-p", str(build), str(path)], cwd=ROOT,
                              capture_output=True, text=True, timeout=FILE_SECONDS_MAX,
                              check=False)
    except subprocess.TimeoutExpired:
        return False, f"{path}: no answer in {FILE_SECONDS_MAX} s"
    return done.returncode == 0, done.stdout + ("" if done.stdout else done.stderr)


def changes_in_order():
    """Our files, those first that the youngest commit names or that are not committed yet."""
    new = subprocess.run(["git", "status", "--porcelain", "--no-renames"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout.split("\n")
    old = subprocess.run(["git", "log", "--format=", "--name-only"], cwd=ROOT,
                         capture_output=True, text=True, check=True).stdout.split("\n")
    names = [line[3:] for line in new] + old
    return {ROOT / name: place for place, name in reversed(list(enumerate(names)))}


def drop_old_markers(directory):
    limit = time.time() - MARKER_DAYS_MAX * 86400
    for marker in directory.iterdir():
        if marker.stat().st_mtime < limit:
            marker.unlink(missing_ok=True)


def choose(arguments, commands, includes):
    if arguments.files:
        return sorted({pathlib.Path(name).resolve() for name in arguments.files} & commands.keys())
    changed = None if arguments.all else changed_files()
    if changed is None:
        return sorted(commands)
    return sorted(path for path in commands if changed & set(includes.closure(path)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "tidy")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()

    includes = Includes()
    commands = compile_commands(arguments.build)
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True,
                             check=True).stdout
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    drop_old_markers(cache)

    chosen = choose(arguments, commands, includes)
    todo = []
    for path in chosen:
        marker = cache / key_of(path, commands[path], includes, version)
        if marker.exists():
            marker.touch()
        else:
            todo.append((path, marker))

    places = changes_in_order()
    todo.sort(key=lambda each: min(places.get(file, len(places))
                                   for file in includes.closure(each[0])))
    end = time.monotonic() + arguments.seconds
    failed = looked_at = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run_one, path, arguments.build, end): (path, marker)
                for path, marker in todo}
        for run in concurrent.futures.as_completed(runs):
            path, marker = runs[run]
            passed, text = run.result()
            looked_at += passed is not None
            if passed is None:
                continue
            if passed:
                marker.touch()
            else:
                failed += 1
                print(f"--- {path.relative_to(ROOT)}\n{text.strip()}", flush=True)
    print(f"{len(chosen)} files, {looked_at} looked at, {failed} with findings, "
          f"{len(todo) - looked_at} left for the next run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
