"""What the containers of a study are called, how they are found again, and what they are made of.

Knows nothing of what becomes of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import docker
from docker.models.containers import Container

from coordinator.backends.engine import gpu_request
from coordinator.backends.surroundings import Surroundings
from study.config.records import ResourcesConfig

PROJECT, STUDY, ROLE, INDEX = "hpo.project", "hpo.study", "hpo.role", "hpo.index"
WORKER, CRASHES = "hpo.worker", "hpo.crashes"
WORKER_ROLE = "worker"

SCRATCH = {"/tmp": "exec,mode=1777"}  # exec: what torch compiles there is loaded from there


def describe(
    surroundings: Surroundings,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    gpu: str | None = None,
    entrypoint: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What every container that runs `hpo-worker` has, as arguments of docker's `create`.

    environment: added to what the surroundings have. entrypoint: None takes the image's.
    """
    described: dict[str, Any] = {
        "image": surroundings.image,
        "command": list(command),
        "environment": {**surroundings.environment, **environment},
        "network": surroundings.network,
        "user": surroundings.user,
        "working_dir": surroundings.working_directory,
        "mounts": list(surroundings.mounts),
        "read_only": True,
        "tmpfs": SCRATCH,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "detach": True,
    }
    if entrypoint is not None:
        described["entrypoint"] = list(entrypoint)
    if gpu is not None:
        described["device_requests"] = [gpu_request(gpu)]
    return described


def limits(resources: ResourcesConfig) -> dict[str, Any]:
    """What a worker's container may use at most, as far as the study says."""
    found: dict[str, Any] = {}
    if resources.cpus is not None:
        found["nano_cpus"] = round(resources.cpus * 1e9)
    if resources.memory_gib is not None:
        found["mem_limit"] = found["memswap_limit"] = round(resources.memory_gib * 2**30)
    return found


def labels(project: str, study: str, index: int, name: str, crashes: int) -> dict[str, str]:
    """By which a worker's container is found again, and what is remembered of it."""
    return {
        **selector(project, study),
        INDEX: str(index),
        WORKER: name,
        CRASHES: str(crashes),
    }


def selector(project: str, study: str) -> dict[str, str]:
    """Labels that all workers of a study have, and no other container."""
    return {PROJECT: project, STUDY: study, ROLE: WORKER_ROLE}


def name(project: str, study: str, index: int) -> str:
    """Of the container of one index; the engine gives a name to one at a time."""
    return f"{project}-{study}-worker-{index}"


def listed(client: docker.DockerClient, project: str, study: str) -> list[Container]:
    """A study's workers, the living and the dead, as the engine's list has them: without a close
    look at each, which is a request more."""
    wanted = [f"{label}={value}" for label, value in selector(project, study).items()]
    found: list[Container] = client.containers.list(
        all=True, sparse=True, filters={"label": wanted}
    )
    return found
