#!/usr/bin/env python3
"""Runs stories on a real Kubernetes with fake nodes: those of tests/e2e that need no real Ray, and
those of this folder. Options and names are those of tests/e2e/run.py.

    kubetest up -- tests/kubernetes/stories.py [--kills N] [--seed N] [--program PATH] [TEST...]
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import run  # noqa: E402

STORIES = (
    "lifecycle_test",
    "guards_test",
    "companions_test",
    "bad_commits_test",
    "crash_test.Crashes.test_an_agent_killed_at_random_moments_ends_where_it_should",
    "crash_test.Crashes.test_a_second_agent_of_the_same_id_writes_nothing",
    "crash_test.Crashes.test_converged_is_silent",
    "token_test.Secrets",
    "plan_test",
    "metrics_test",
    "ray_access_test",
    "leader_test",
    "faults_test",
    "outage_test",
    "connection_test",
    "server_test",
    "deploy_test",
    "namespaces_test",
    "helm_test",
)

if __name__ == "__main__":
    if "KUBETEST_DIR" not in os.environ:
        sys.exit("run me by `kubetest up -- tests/kubernetes/stories.py`")
    sys.exit(run.main(STORIES))
