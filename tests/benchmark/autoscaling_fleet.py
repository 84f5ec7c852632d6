#!/usr/bin/env python3
"""Measures the autoscaler on a real control plane with fake nodes and heads, and prints Markdown.

    tests/benchmark/autoscaling_fleet.py --kubetest PATH [--rows burst,quiet,...] > table.md

burst        --workers more in one cluster, all wanted at once, between two runs of the bare
             creator (scripts/build release bare-creator)
quiet        --clusters that have nothing to do, for --silence seconds
black-holes  a hundredth of --clusters has heads that say nothing: how long others wait for a pod
random       --changes of demand and limits with tasks running, drains refused, and the agent
             killed --kills times: what is lost, what is too many, what stays. With --plant faults
             of its own, all of which it must report

As root, in a network namespace of its own, with the environment of ensure_ray in scripts/lib.sh.
Each row has a control plane of its own and takes two to ten minutes, on a quiet machine.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import autoscaling_fleet_rows as rows_lib
import fleet_lib

OPTIONS = ("workers", "clusters", "silence", "changes", "kills", "seed")
# Heads answer at the addresses of their pods.
LOOPBACK_ONLY = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$0" "$@"']


def run_stage(arguments):
    """Inside kubetest: one row, its table into the folder."""
    fleet = rows_lib.ScalingFleet()
    try:
        fleet.start()
        rows, is_well = rows_lib.ROWS[arguments.stage](fleet, arguments)
        (arguments.folder / "rows.json").write_text(json.dumps([rows, is_well]), "utf-8")
    finally:
        fleet.close()


def run_row(row, arguments):
    """The row's table, and whether all is as it must be."""
    with tempfile.TemporaryDirectory(prefix="ray-gitops-fleet-") as folder:
        options = sum(([f"--{name}", str(getattr(arguments, name))] for name in OPTIONS), [])
        subprocess.run([*LOOPBACK_ONLY, arguments.kubetest, "up", "-pod-cidr", "127.64.0.0/10",
                        "-nodes", str(rows_lib.nodes_for(row, arguments)), "--",
                        sys.executable, __file__, "--stage", row, "--folder", folder, *options,
                        *(["--plant"] if arguments.plant else [])], check=True)
        return json.loads(pathlib.Path(folder, "rows.json").read_text("utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kubetest", help="the control plane: ensure_kubetest in scripts/lib.sh")
    parser.add_argument("--rows", default=",".join(rows_lib.ROWS), help="default: %(default)s")
    parser.add_argument("--workers", type=int, default=1000, help="of burst")
    parser.add_argument("--clusters", type=int, default=500, help="of quiet and black-holes")
    parser.add_argument("--silence", type=int, default=60, help="seconds, of quiet")
    parser.add_argument("--changes", type=int, default=200, help="of random")
    parser.add_argument("--kills", type=int, default=4, help="of random")
    parser.add_argument("--seed", type=int, default=1, help="of random")
    parser.add_argument("--plant", action="store_true", help="faults in random")
    parser.add_argument("--stage", choices=rows_lib.ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        return run_stage(arguments)
    print(f"{fleet_lib.run.machine()}\n")
    are_well = True
    for row in arguments.rows.split(","):
        rows, is_well = run_row(row, arguments)
        are_well = are_well and is_well
        print(f"| {row} | measured | target |\n|---|---|---|")
        for cells in rows:
            print("| " + " | ".join(cells) + " |")
        print(flush=True)
    return 0 if are_well else 1


if __name__ == "__main__":
    sys.exit(main())
