#!/usr/bin/env python3
"""Measures how fast a cluster follows its demand, and prints a Markdown table.

    tests/benchmark/autoscaling.py [--rounds N] [--program PATH] > table.md

With real Git, real Ray and the local cluster, as root; about five minutes. Demand appears when a
driver asks for its tasks; a worker's idle timeout is over so long after its task has ended.
"""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

# It also lets the modules of e2e be found.
from run import machine, measure_until, spread  # pylint: disable=wrong-import-position

WORKERS = 1  # of more, one begins to leave every ten seconds
# An agent removes nothing in its first minute.
FREEZE_SECONDS = 65
MOMENTS = f"""
import time, ray
ray.init(log_to_driver=False)
run = ray.remote(num_cpus=1, max_retries=0)(lambda: time.time())
print("moment", time.time())
print("moment", max(ray.get([run.remote() for _ in range({WORKERS})])))
"""


class Bench:
    def __init__(self):
        import autoscaling_test  # reads the environment as the world does
        import world

        self.lib = world
        self.story = autoscaling_test.Autoscaling
        self.idle_seconds = autoscaling_test.IDLE_SECONDS
        self.story.setUpClass()
        self.ray = self.story("submit")
        self.ray.setUp()

    def close(self):
        self.story.doClassCleanups()

    def moments_of(self, job):
        self.ray.succeeds(job)
        lines = self.ray.ask_ray(f"{job}/logs")["logs"].split("\n")
        return [float(line.split()[1]) for line in lines if line.startswith("moment ")]

    def round(self):
        """Seconds: demand to the pod created, idle timeout over to the pod deleted."""
        job = self.ray.submit(MOMENTS)
        measure_until(lambda: len(self.ray.workers()) == WORKERS, 60, "the workers")
        created = time.time()
        asked, ended = self.moments_of(job)
        measure_until(lambda: not self.ray.workers(), 120, "the end of the workers")
        deleted = time.time()
        self.ray.wait_for_none()
        return created - asked, deleted - ended - self.idle_seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", type=os.path.abspath)
    arguments = parser.parse_args()
    if arguments.program:
        os.environ["RAY_GITOPS_PROGRAM"] = arguments.program
    bench = Bench()
    try:
        time.sleep(FREEZE_SECONDS)
        rounds = [bench.round() for _ in range(arguments.rounds)]
    finally:
        bench.close()
        for world in bench.lib.opened():
            world.close()
    up, down = zip(*rounds)
    print(f"On: {machine()}.\n\n| What | Measured | Target |\n|---|---|---|")
    print(f"| demand appears to its worker pod created | {spread(up)} | < 1.5 s |")
    print(f"| idle timeout over to the worker pod deleted | {spread(down)} | < 2 s |")


if __name__ == "__main__":
    main()
