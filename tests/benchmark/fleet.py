#!/usr/bin/env python3
"""Measures many clusters on a real control plane with fake nodes, and prints a Markdown table.

    tests/benchmark/fleet.py --kubetest PATH [--rows many,large,beside,heavy] > table.md

many     --clusters of a head and three workers in one commit, and the same objects by the bare
         creator (scripts/build release bare-creator) on a control plane of its own; silence for
         --silence seconds, one change, a tenth of the pods killed, a restart of the agent
large    one cluster from none to --workers
beside   50 small clusters alone, and beside one that grows by --workers
heavy    memory with --pods of 20 KB specs

Each row has a control plane of its own. Some minutes for each, and a quiet machine.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import fleet_lib
import fleet_rows


def run_stage(arguments):
    """Inside kubetest: one row, its table into the folder."""
    fleet = fleet_lib.Fleet()
    try:
        if arguments.stage == "bare":
            rows = fleet_rows.bare_many(fleet, arguments.folder)
        else:
            fleet.start()
            rows = fleet_rows.ROWS[arguments.stage](fleet, arguments)
        (arguments.folder / f"{arguments.stage}.json").write_text(json.dumps(rows), "utf-8")
    finally:
        fleet.close()


def run_row(row, arguments, folder):
    """The row's table; each stage beside a control plane of its own."""
    rows = []
    for stage in (row, "bare") if row == "many" else (row,):
        subprocess.run([arguments.kubetest, "up", "-nodes",
                        str(fleet_rows.nodes_for(row, arguments)), "--",
                        sys.executable, __file__, "--stage", stage, "--folder", folder,
                        *sum(([f"--{name}", str(getattr(arguments, name))] for name in
                              ("clusters", "silence", "workers", "pods")), [])], check=True)
        rows += json.loads(pathlib.Path(folder, f"{stage}.json").read_text("utf-8"))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kubetest", help="the control plane: ensure_kubetest in scripts/lib.sh")
    parser.add_argument("--rows", default=",".join(fleet_rows.ROWS), help="default: %(default)s")
    parser.add_argument("--clusters", type=int, default=1000, help="of many")
    parser.add_argument("--silence", type=int, default=600, help="seconds, of many and heavy")
    parser.add_argument("--workers", type=int, default=1000, help="of large and beside")
    parser.add_argument("--pods", type=int, default=10_000, help="of heavy")
    parser.add_argument("--stage", choices=(*fleet_rows.ROWS, "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        return run_stage(arguments)
    print(f"{fleet_lib.run.machine()}\n")
    for row in arguments.rows.split(","):
        with tempfile.TemporaryDirectory(prefix="ray-gitops-fleet-") as folder:
            print(f"| {row} | measured |\n|---|---|")
            for what, value in run_row(row, arguments, folder):
                print(f"| {what} | {value} |", flush=True)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
