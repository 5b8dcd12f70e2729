"""Stops a study from outside: no trial begins any more, and its workers leave.

Works with and without a coordinator that runs the study. Knows nothing of how workers leave.
"""

from __future__ import annotations

import time

from rich.console import Console

from coordinator.backends.backend import Backend
from study.embedded import EmbeddedPostgres
from study.errors import HpoError
from study.registry import RegisteredStudy, Registry

PERIOD = 0.2  # seconds between two looks
PATIENCE = 60.0  # seconds until those that have not left are named


def stop(registry: Registry, study: RegisteredStudy, backend: Backend, console: Console) -> None:
    """Stops it and waits until its workers have left."""
    registry.stop(study.name)
    deadline = time.monotonic() + PATIENCE
    alive = ask_to_leave(backend)
    while alive and time.monotonic() < deadline:
        time.sleep(PERIOD)
        alive = ask_to_leave(backend)
    if alive:
        names = ", ".join(map(str, alive))
        console.print(f"study {study.name} is stopped; workers {names} have yet to leave")
    else:
        console.print(f"study {study.name} is stopped; go on with: make resume STUDY={study.name}")


def ask_to_leave(backend: Backend) -> list[int]:
    """Asks all that live to leave; gives which."""
    alive = [worker.index for worker in backend.observe() if worker.alive]
    for index in alive:
        backend.stop(index)
    return alive


def shut_down(registry: Registry, server: EmbeddedPostgres | None) -> None:
    """Stops the embedded database once its last user has left. Raises HpoError for one that stays,
    a dashboard for example."""
    if server is None:
        return
    deadline = time.monotonic() + PATIENCE / 4
    while not server.stop_if_idle(registry.engine):
        if time.monotonic() > deadline:
            raise HpoError("the embedded database is still used: end what uses it, a dashboard?")
        time.sleep(PERIOD)
