"""What workers in containers printed: what docker.py kept of removed ones, then what the engine has
of those that are there, living or dead.

Knows nothing of studies.
"""

from __future__ import annotations

import docker
from docker.errors import NotFound

from coordinator.backends import container
from coordinator.backends.engine import told_plainly
from coordinator.logs import FileLog, Log, file_logs
from study.paths import StudyPaths


class ContainerLog:
    """A `Log` of one index, whatever containers it has had and will have."""

    def __init__(self, client: docker.DockerClient, name: str, kept: FileLog) -> None:
        self._client = client
        self._name = name
        self._kept = kept
        self._told = 0  # lines of the container that is not removed yet

    def lines(self) -> list[str]:
        """See Log. Reads the container's whole log: the engine cannot go on from a line."""
        kept = self._kept.lines()
        new = kept[self._told :]
        if kept:
            self._told = 0
        printed = self._printed()
        new += printed[self._told :]
        self._told = max(self._told, len(printed))  # none: removed, and kept by the next call
        return new

    def _printed(self) -> list[str]:
        with told_plainly():
            try:
                text = self._client.containers.get(self._name).logs().decode(errors="replace")
            except NotFound:
                return []
        return text.splitlines()[: text.count("\n")]


def container_logs(client: docker.DockerClient, project: str, paths: StudyPaths) -> dict[int, Log]:
    """The logs of a study's workers, by index."""
    study = paths.root.name
    with told_plainly():
        listed = container.listed(client, project, study)
    there = {int(found.attrs["Labels"][container.INDEX]) for found in listed}
    return {
        index: ContainerLog(
            client, container.name(project, study, index), FileLog(paths.worker_log(index))
        )
        for index in there | {*file_logs(paths)}
    }
