#!/usr/bin/env python3
"""Runs the end-to-end tests: the built program, real Git, real Ray. As root.

    tests/e2e/run.py [--kills N] [--seed N] [--program PATH] [TEST...]

TEST is a module, class or method as unittest names it, such as lifecycle_test.Lifecycle. The folder
and the logs of a failed run stay, and are named at the end.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LOG_LINES_MAX = 40


def show_logs(folder):
    print(f"\nthe run's folder is kept: {folder}", file=sys.stderr)
    for log in sorted(folder.rglob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        if log.name in ("agent.log", "local-cluster.log"):
            print(f"\n--- end of {log}", *lines[-LOG_LINES_MAX:], sep="\n", file=sys.stderr)


def main(stories=()):
    """`stories` run where none are named; without them all of this folder do."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, help="how often the agent is killed (default 5)")
    parser.add_argument("--seed", type=int, help="of the random moments")
    parser.add_argument("--program", type=os.path.abspath,
                        help="default: build/release/ray-gitops")
    parser.add_argument("tests", nargs="*")
    arguments = parser.parse_args()
    for name, value in (("E2E_KILLS", arguments.kills), ("E2E_SEED", arguments.seed),
                        ("RAY_GITOPS_PROGRAM", arguments.program)):
        if value is not None:
            os.environ[name] = str(value)
    sys.path.insert(0, str(HERE))
    import world  # reads what was set above

    loader = unittest.TestLoader()
    if arguments.tests or stories:
        suite = loader.loadTestsFromNames(arguments.tests or stories)
    else:
        suite = loader.discover(str(HERE), "*_test.py", top_level_dir=str(HERE))
    print(f"seed {world.SEED}", file=sys.stderr)
    # unittest takes any other exception for a failed test, and goes on to the next.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    passed = False
    try:
        passed = unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful()
    finally:
        for open_world in world.opened():
            open_world.close()
            if passed:
                shutil.rmtree(open_world.folder)
            else:
                show_logs(open_world.folder)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
