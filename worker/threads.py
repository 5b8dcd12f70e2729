"""How the threads of libraries behave in a worker's processes; imported before those are.

Knows nothing of how many a trial has. A person's own settings stay.
"""

from __future__ import annotations

import os

ROUNDS = "2000"  # about 0.1 ms; a step waits for less between two operations, where cores are free


def _configure() -> None:
    """OpenBLAS starts its threads when NumPy is imported, and a process with threads must not be
    forked, which the trials' server is after it has imported NumPy; torch on x86 does not use
    OpenBLAS.

    GNU's OpenMP spins 300,000 rounds before it sleeps, 15 ms of a core in each of the hundreds of
    waits of a step, for a thread that has lost its core to another program: beside other work
    steps took two to four times the processor time, and twice as long.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", ROUNDS)


_configure()
