#!/usr/bin/env python3
"""Runs stories of tests/e2e with real Ray in real containers. Options and names are those of
tests/e2e/run.py.

    real_node.py ... -- tests/kubernetes/container_stories.py [--few] [--program PATH] [TEST...]

--few: a cluster, a job, a service, one that scales and one that asks for a token, in six minutes.
"""

import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import run  # noqa: E402

FEW = (
    "lifecycle_test.Lifecycle",
    "jobs_test.OnTheirOwn.test_1_the_cluster_goes_after_the_outcome_is_on_record",
    "services_test.Services.test_1_answers_at_the_services_address",
    "autoscaling_test.Autoscaling.test_tasks_bring_workers_and_idleness_takes_them",
    "token_test.Tokens",
)
STORIES = (*FEW[:3], "autoscaling_test", "autoscaling_services_test", "hosts_test", "policies_test",
           FEW[4])

if __name__ == "__main__":
    if "KUBETEST_DIR" not in os.environ:
        sys.exit("run me by real_node.py")
    few = "--few" in sys.argv
    if few:
        sys.argv.remove("--few")
    sys.exit(run.main(FEW if few else STORIES))
