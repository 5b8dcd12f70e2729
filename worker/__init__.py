"""Trains: a supervisor and one process per trial. What libraries read from the environment when
they are imported is set here, before any of them is.
"""

import worker.threads  # noqa: F401
