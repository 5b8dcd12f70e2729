"""Where the workers of a study run when this process is their coordinator: how they are started,
and how a verb of theirs is called. In a cluster another process is (see cluster/).

Knows nothing of what is done with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from coordinator import worker_program
from coordinator.backends.backend import Backend
from coordinator.backends.local import LocalBackend
from coordinator.logs import Log, file_logs
from coordinator.worker_program import LocalProgram, WorkerProgram
from study import paths
from study.paths import StudyPaths
from study.registry import RegisteredStudy, Registry


@dataclass(frozen=True)
class Site:
    """A kind of place, ready to be used."""

    program: WorkerProgram
    backend: Callable[[Registry, RegisteredStudy], Backend]
    logs: Callable[[StudyPaths], dict[int, Log]]
    """What a study's workers printed, by their index."""


def local_site() -> Site:
    """This machine."""
    return Site(LocalProgram(), _local_backend, file_logs)


def docker_site() -> Site:
    """Containers beside our own. Raises UsageError where we are in none or no engine answers."""
    from coordinator.backends import surroundings
    from coordinator.backends.docker import DockerBackend
    from coordinator.backends.docker_logs import container_logs
    from coordinator.backends.docker_program import DockerProgram
    from coordinator.backends.engine import open_engine

    client = open_engine()
    around = surroundings.own(client)

    def backend(registry: Registry, study: RegisteredStudy) -> Backend:
        return DockerBackend(
            client,
            around,
            paths.artifacts(study.name),
            worker_program.environment(registry.url, study.name),
            study.config.resources,
        )

    logs = partial(container_logs, client, around.project)
    return Site(DockerProgram(client, around), backend, logs)


def _local_backend(registry: Registry, study: RegisteredStudy) -> Backend:
    return LocalBackend(
        paths.artifacts(study.name),
        [*worker_program.COMMAND, "run"],
        worker_program.environment(registry.url, study.name),
        study.config.resources,
    )


SITES: dict[str, Callable[[], Site]] = {"local": local_site, "docker": docker_site}
"""By the name `--backend` has for them."""
