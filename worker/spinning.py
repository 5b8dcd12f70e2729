"""Imported by the fork server before torch: how long the threads of a trial spin where they wait
for each other.

Knows nothing of how many there are. A person's own setting of OpenMP stays.
"""

from __future__ import annotations

import os

ROUNDS = "2000"  # about 0.1 ms; a step waits for less between two operations, where cores are free


def _configure() -> None:
    """GNU's OpenMP spins 300,000 rounds before it sleeps, 15 ms of a core in each of the hundreds
    of waits of a step, for a thread that has lost its core to another program: beside other work
    steps took two to four times the processor time, and twice as long."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", ROUNDS)


_configure()
