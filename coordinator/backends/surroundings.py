"""What the coordinator's own container has, and its workers' get too: network, mounts, user.

So a worker needs no description of its own, and finds every path where the coordinator has it.
Knows nothing of studies.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.types import Mount

from coordinator.backends.engine import told_plainly
from study.errors import UsageError

MOUNTINFO = Path("/proc/self/mountinfo")
OWN_ID = re.compile(r"/([0-9a-f]{64})/hostname ")
"""The engine mounts each container's host name from a folder that has the container's id."""

NOT_WORKERS = ("HPO_BACKEND", "HPO_STORAGE", "HPO_WORKER", "HPO_WORKER_IMAGE")
"""Of the environment. HPO_STORAGE for another reason: everybody who may use Docker can read a
container's environment, so the database's URL comes in a mounted file."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Of a worker's container."""

    image: str
    project: str
    """Names the coordinator's installation: containers of another one are not ours."""
    network: str
    user: str
    """uid:gid, as the coordinator's, so that both write the same files."""
    working_directory: str
    mounts: tuple[Mount, ...]
    environment: Mapping[str, str]
    """HPO_... of the coordinator, without what is its own."""


def own(client: docker.DockerClient) -> Surroundings:
    """Those of this process. Raises UsageError where it is no container of the engine, or was
    started without what workers need."""
    found = OWN_ID.search(MOUNTINFO.read_text())
    if found is None:
        raise UsageError(
            "--backend docker runs in the coordinator's container: "
            "make submit BACKEND=docker, or docker compose run --rm coordinator submit ..."
        )
    image = os.environ.get("HPO_WORKER_IMAGE")
    if not image:
        raise UsageError("HPO_WORKER_IMAGE must name the image that workers run")
    if not os.environ.get("HPO_STORAGE_FILE"):
        raise UsageError(
            "HPO_STORAGE_FILE must name a mounted file with the database's URL, which workers read"
        )
    with told_plainly():
        return of(client.containers.get(found[1]).attrs, image, os.environ)


def of(inspected: Mapping[str, Any], image: str, environment: Mapping[str, str]) -> Surroundings:
    """What workers of `image` take over from a container, given as the engine describes it."""
    network = next(iter(inspected["NetworkSettings"]["Networks"]), "none")
    labels = inspected["Config"]["Labels"] or {}
    return Surroundings(
        image=image,
        project=labels.get("com.docker.compose.project", network),
        network=network,
        user=inspected["Config"]["User"],
        working_directory=inspected["Config"]["WorkingDir"],
        mounts=tuple(_mount(mount) for mount in inspected["Mounts"] if not _is_engine(mount)),
        environment={
            name: value
            for name, value in environment.items()
            if name.startswith("HPO_") and name not in NOT_WORKERS
        },
    )


def _is_engine(mount: Mapping[str, Any]) -> bool:
    """Whether it is the engine's socket: who has that owns the machine."""
    target: str = mount["Destination"]
    return target.endswith("/docker.sock") or Path(target).is_socket()


def _mount(mount: Mapping[str, Any]) -> Mount:
    return Mount(
        target=mount["Destination"],
        source=mount["Name"] if mount["Type"] == "volume" else mount["Source"],
        type=mount["Type"],
        read_only=not mount["RW"],
    )
