"""Trains: a supervisor and one process per trial.

OpenBLAS starts its threads when NumPy is imported, and a process with threads must not be forked.
Trials are forked from a server that has NumPy imported; torch on x86 does not use OpenBLAS.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
