"""Opens the database for the length of one verb; the embedded one is stopped with its last user.

Knows nothing of what a verb does with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import optuna

from study.database import database_url, is_outage
from study.embedded import EmbeddedPostgres
from study.errors import UsageError
from study.opening import open_registry
from study.registry import Registry
from study.told import reason

PAUSE = 2.0  # seconds between two tries of a service


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


@contextmanager
def awaited_storage(say: Callable[[str], None]) -> Iterator[tuple[Registry, None]]:
    """The same for a service, which may be started before its database: waits until that answers.

    Raises UsageError where the environment names none: an embedded one would be nobody else's.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if database_url() is None:
        raise UsageError("HPO_STORAGE_FILE must name the database; a service starts none itself")
    registry = _awaited(say)
    try:
        yield registry, None
    finally:
        registry.close()


def _awaited(say: Callable[[str], None]) -> Registry:
    said = ""
    while True:
        try:
            return open_registry()[0]
        except Exception as error:
            if not is_outage(error):
                raise
            if reason(error) != said:
                said = reason(error)
                say(f"waiting for the database: {said}")
            time.sleep(PAUSE)
