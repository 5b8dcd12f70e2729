"""Opens the database for the length of one verb; the embedded one is stopped with its last user.

Knows nothing of what a verb does with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna

from study.embedded import EmbeddedPostgres
from study.registry import Registry, open_registry


@contextmanager
def storage() -> Iterator[tuple[Registry, EmbeddedPostgres | None]]:
    """The registry, and the server where it is the embedded one. Raises UsageError."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # its notes are not a verb's output
    registry, server = open_registry()
    try:
        yield registry, server
    finally:
        registry.close()  # first: a process that asks at the same time must not see us and stay
        if server is not None:
            server.stop_if_idle(registry.engine)
