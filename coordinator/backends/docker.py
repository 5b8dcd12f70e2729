"""Workers as containers of this machine's Docker engine. They live on when the coordinator's
container dies, and the next coordinator finds them by their labels.

An index has one container name, which the engine gives to one container at a time: that is what
keeps two coordinators from starting the same worker twice. A dead container is kept until its index
is started again or it is forgotten, because the engine knows how it ended; what it printed goes to
the study's log then. Knows nothing of trials.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress

import docker
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.containers import Container

from coordinator.backends import container, container_state, engine, shares
from coordinator.backends.backend import WorkerState
from coordinator.backends.engine import told_plainly
from coordinator.backends.surroundings import Surroundings
from study.config.records import ResourcesConfig
from study.paths import StudyPaths

CONFLICT = 409  # of HTTP: the name is taken, or the container is being removed already


class DockerBackend:
    """A `Backend` of containers. `environment` is added to that of the surroundings; `entrypoint`
    is what runs one worker, None the image's own."""

    def __init__(
        self,
        client: docker.DockerClient,
        surroundings: Surroundings,
        paths: StudyPaths,
        environment: Mapping[str, str],
        resources: ResourcesConfig,
        entrypoint: Sequence[str] | None = None,
    ) -> None:
        self._client = client
        self._surroundings = surroundings
        self._paths = paths
        self._environment = dict(environment)
        self._resources = resources
        self._entrypoint = entrypoint
        self._gpus: list[str] | None = None  # asked for when the first worker starts
        self._asked: set[str] = set()  # ids of containers told to stop

    def observe(self) -> list[WorkerState]:
        """See Backend."""
        with told_plainly():
            states = [container_state.seen(found) for found in self._containers()]
        return sorted(
            (state for state in states if state is not None), key=lambda state: state.index
        )

    def start(self, index: int, *, workers: int, crashes: int) -> None:
        """See Backend."""
        with told_plainly():
            known = self._find(index)
            if known is not None and container_state.is_dead(known):
                self._remove(known)
                known = None
            found = known or self._create(index, workers, crashes)
            # a created one may be another coordinator's that was killed at this line: starting a
            # container that runs does nothing
            if found is not None and found.status == "created":
                with suppress(APIError):  # seen by the next `observe`, with the engine's reason
                    found.start()

    def stop(self, index: int) -> None:
        """See Backend."""
        with told_plainly():
            found = self._find(index)
            if found is not None and found.status == "running" and found.id not in self._asked:
                self._signal(found, "SIGTERM")
                self._asked.add(str(found.id))

    def kill(self, index: int) -> None:
        """See Backend."""
        with told_plainly():
            found = self._find(index)
            if found is not None and found.status == "running":
                self._signal(found, "SIGKILL")

    def last_lines(self, index: int, count: int) -> list[str]:
        """See Backend."""
        with told_plainly():
            found = self._find(index)
            return [] if found is None else container_state.printed(found, count)

    def forget(self) -> None:
        """See Backend."""
        with told_plainly():
            for found in self._containers():
                if container_state.is_dead(found):
                    self._remove(found)

    def _containers(self) -> list[Container]:
        """Those of the study. The living are not looked at closely, which costs a request each."""
        found = container.listed(self._client, self._surroundings.project, self._paths.root.name)
        return [one for one in found if one.status == "running" or container_state.reloaded(one)]

    def _find(self, index: int) -> Container | None:
        try:
            return self._client.containers.get(self._name(index))
        except NotFound:
            return None

    def _name(self, index: int) -> str:
        return container.name(self._surroundings.project, self._paths.root.name, index)

    def _create(self, index: int, workers: int, crashes: int) -> Container | None:
        """The container, not running yet; None: another coordinator has made it just now."""
        name = self._name(index)
        worker = f"{name}-{secrets.token_hex(3)}"
        described = container.describe(
            self._surroundings,
            ["run"] if self._entrypoint is None else [],
            {**self._environment, "HPO_WORKER": worker, "HPO_THREADS": str(self._threads(workers))},
            gpu=self._gpu(index),
            entrypoint=self._entrypoint,
        )
        labels = container.labels(
            self._surroundings.project, self._paths.root.name, index, worker, crashes
        )
        try:
            return self._client.containers.create(
                name=name, labels=labels, **described, **container.limits(self._resources)
            )
        except ImageNotFound:
            raise
        except APIError as error:
            if error.status_code != CONFLICT:
                raise
            return None

    def _threads(self, workers: int) -> int:
        slots = self._resources.known_slots
        if self._resources.cpu_threads is not None:
            return self._resources.cpu_threads
        if self._resources.cpus is not None:
            return max(1, int(self._resources.cpus) // slots)
        return shares.threads(workers=workers, slots=slots)

    def _gpu(self, index: int) -> str | None:
        if self._resources.gpus == 0:
            return None
        if self._gpus is None:
            self._gpus = engine.gpus(self._client, self._surroundings.image)
        return shares.gpu_of(index, self._gpus)

    def _signal(self, found: Container, name: str) -> None:
        """A container that has ended in between is none to signal."""
        try:
            found.kill(name)
        except APIError as error:
            if error.status_code not in (CONFLICT, 404):
                raise

    def _remove(self, found: Container) -> None:
        """Removes a dead container and keeps what it printed."""
        log = self._paths.worker_log(container_state.index(found))
        lines = container_state.printed(found)
        try:
            found.remove()
        except APIError as error:
            if error.status_code not in (CONFLICT, 404):
                raise
            return  # another coordinator does it, and keeps the log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
