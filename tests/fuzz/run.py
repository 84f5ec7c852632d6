#!/usr/bin/env python3
"""Feeds random bytes to what reads the bytes of others: files, answers, schedules.

    tests/fuzz/run.py [--seconds N] [TARGET...]

Builds the preset fuzz (Clang's libFuzzer, with sanitizers) and runs each target for N seconds
(default 60), beginning with files of this repository and with what earlier runs found worth
keeping (build/fuzz/corpus). Exit code 1 when one fails; the input is named and kept.
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/fuzz"
SEEDS = {  # globs below the root, and what stands before each file's bytes
    "agent_config": (("deploy/kustomize/*.yaml", "tests/golden/**/*.yaml"), b""),
    "cron": ((), b""),
    "declarations": (("examples-repo/**/*.yaml", "tests/golden/declaration/**/*.yaml"), b""),
    "gcs_reply": (("tests/fuzz/seeds/gcs_reply/*",), b""),  # what a head of Ray 2.60 answered
    "kubeconfig": ((), b""),
    "ray_reply": (("tests/golden/**/*.json",), b"\0\0"),
    "watch_line": (("tests/golden/**/*.json",), b"\0"),
}
INPUT_BYTES_MAX = 16 * 1024
MEGABYTES_MAX = 2048


def make_corpus(target):
    corpus = BUILD / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    globs, prefix = SEEDS[target]
    for path in sorted({path for glob in globs for path in ROOT.glob(glob)}):
        content = path.read_bytes()
        if len(content) < INPUT_BYTES_MAX:
            name = str(path.relative_to(ROOT)).replace("/", "-")
            (corpus / name).write_bytes(prefix + content)
    return corpus


def run(target, seconds):
    findings = BUILD / "findings"
    findings.mkdir(exist_ok=True)
    command = [BUILD / f"tests/fuzz/fuzz_{target}", make_corpus(target),
               f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=10",
               f"-rss_limit_mb={MEGABYTES_MAX}", f"-artifact_prefix={findings}/{target}-",
               "-print_final_stats=1", "-verbosity=0"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    runs = [line.split()[-1] for line in done.stderr.splitlines() if "executed_units" in line]
    print(f"{target:14} {runs[0] if runs else '?':>10} inputs  "
          f"{'nothing found' if done.returncode == 0 else 'FAILED'}", flush=True)
    if done.returncode != 0:
        print(done.stderr[-4000:])
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", help="of " + ", ".join(SEEDS))
    arguments = parser.parse_args()
    targets = arguments.targets or list(SEEDS)
    if unknown := set(targets) - set(SEEDS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    built = subprocess.run([ROOT / "scripts/build", "fuzz", *(f"fuzz_{name}" for name in targets)],
                           check=False)
    if built.returncode != 0:
        return 2
    return 0 if all([run(name, arguments.seconds) for name in targets]) else 1


if __name__ == "__main__":
    sys.exit(main())
