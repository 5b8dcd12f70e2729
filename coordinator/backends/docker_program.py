"""Calls verbs of `hpo-worker` in containers that are gone when the call is.

Knows nothing of what the verbs do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError
from docker.models.containers import Container

from coordinator.backends import container, container_state, engine
from coordinator.backends.engine import told_plainly
from coordinator.backends.surroundings import Surroundings
from coordinator.worker_program import PATIENCE, result

PERIOD = 0.2  # seconds between two looks


class DockerProgram:
    """A `WorkerProgram` in a container of its own. `entrypoint`: None takes the image's."""

    def __init__(
        self,
        client: docker.DockerClient,
        surroundings: Surroundings,
        entrypoint: Sequence[str] | None = None,
    ) -> None:
        self._client = client
        self._surroundings = surroundings
        self._entrypoint = entrypoint

    def call(
        self,
        arguments: Sequence[str],
        added_environment: Mapping[str, str],
        on_line: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """See WorkerProgram."""
        with told_plainly():
            devices = engine.gpus(self._client, self._surroundings.image)
            described = container.describe(
                self._surroundings,
                arguments,
                added_environment,
                gpu=devices[0] if devices else None,
                entrypoint=self._entrypoint,
            )
            labels = {container.PROJECT: self._surroundings.project, container.ROLE: arguments[0]}
            worker = self._client.containers.create(labels=labels, **described)
            try:
                return _follow(worker, arguments[0], on_line)
            except BaseException:
                with suppress(APIError):  # it leaves whole files behind
                    worker.stop(timeout=round(PATIENCE))
                raise
            finally:
                with suppress(APIError):
                    worker.remove(force=True)


def _follow(
    worker: Container, verb: str, on_line: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Starts it and reads what it prints until it has ended. Asks again and again: the client
    cannot let go of a stream that is followed, and what a verb prints is short."""
    worker.start()
    last: dict[str, Any] | None = None
    told, alive = 0, True
    while alive:
        worker.reload()
        alive = worker.status == "running"  # before reading: then nothing is missed
        lines = worker.logs(stdout=True, stderr=False).split(b"\n")[:-1]
        for line in lines[told:]:
            if last is not None:
                on_line(last)
            last = json.loads(line)
        told = len(lines)
        if alive:
            time.sleep(PERIOD)
    errors = worker.logs(stdout=False, stderr=True).decode(errors="replace")
    return result(verb, container_state.exit_status(worker.attrs["State"]), last, errors)
