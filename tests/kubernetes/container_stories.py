#!/usr/bin/env python3
"""Runs stories of tests/e2e with real Ray in real containers. Options and names are those of
tests/e2e/run.py.

    real_node.py ... -- tests/kubernetes/container_stories.py [--program PATH] [TEST...]
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import run  # noqa: E402

STORIES = (
    "lifecycle_test.Lifecycle",
    "jobs_test.OnTheirOwn.test_1_the_cluster_goes_after_the_outcome_is_on_record",
    "services_test.Services.test_1_answers_at_the_services_address",
    "autoscaling_test",
    "hosts_test",
    "token_test.Tokens",
)

if __name__ == "__main__":
    if "KUBETEST_DIR" not in os.environ:
        sys.exit("run me by real_node.py")
    sys.exit(run.main(STORIES))
