"""Where the workers of a study run when this process is their coordinator: how they are started,
and how a verb of theirs is called. In a cluster another process is (see cluster/).

Knows nothing of what is done with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator import worker_program
from coordinator.backends.backend import Backend
from coordinator.backends.local import LocalBackend
from coordinator.worker_program import LocalProgram, WorkerProgram
from study import paths
from study.registry import RegisteredStudy, Registry


@dataclass(frozen=True)
class Site:
    """A kind of place, ready to be used."""

    program: WorkerProgram
    backend: Callable[[Registry, RegisteredStudy], Backend]


def local_site() -> Site:
    """This machine."""
    return Site(LocalProgram(), _local_backend)


def _local_backend(registry: Registry, study: RegisteredStudy) -> Backend:
    return LocalBackend(
        paths.artifacts(study.name),
        [*worker_program.COMMAND, "run"],
        worker_program.environment(registry.url, study.name),
        study.config.resources,
    )


SITES: dict[str, Callable[[], Site]] = {"local": local_site}
"""By the name `--backend` has for them."""
