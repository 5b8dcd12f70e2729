"""The time between two trials of a worker, as a section: bench/turnaround.py's figures.

.venv/bin/python -m bench.between_trials [--trials 20]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from bench.command import arguments_of, finish, parser_for
from bench.section import Section
from study.cores import cores

EPOCHS = 3  # of each trial
COUNTS = ("workers", "turnarounds")
TIMES = ("median_seconds", "p95_seconds", "worst_seconds")


def main() -> None:
    """Measures and prints or writes the section."""
    parser = parser_for(__doc__)
    parser.add_argument("--trials", type=int, default=20, help="of each study")
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """One worker on all cores, and one on each."""
    found = [_run(given.trials, workers) for workers in sorted({1, cores()})]
    return Section(
        title="Between two trials",
        about=(
            "The demo's pictures, trials of "
            f"{EPOCHS} epochs: last training step of a trial to the first of the next in the same "
            "worker, as the workers measured it. `bench/turnaround.py` alone has more options."
        ),
        header=("workers", "turnarounds", "median", "95th percentile", "worst"),
        rows=tuple(
            (*(str(one[name]) for name in COUNTS), *(f"{one[name]:.3f} s" for name in TIMES))
            for one in found
        ),
        rounds={
            f"{one['workers']} workers, {name}": (float(one[name]),)
            for one in found
            for name in TIMES
        },
    )


def _run(trials: int, workers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.turnaround"]
    command += [f"--trials={trials}", f"--workers={workers}", f"--epochs={EPOCHS}"]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
