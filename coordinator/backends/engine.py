"""The Docker engine of this machine: how it is reached, and what its errors say.

Knows nothing of workers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
from docker.errors import APIError, ContainerError, DockerException, ImageNotFound
from docker.types import DeviceRequest

from coordinator.backends import shares
from study.errors import HpoError, UsageError, one_line

TIMEOUT = 60  # seconds for one answer; an engine under load takes some to create a container
SOCKET = "unix:///var/run/docker.sock"  # where it listens unless DOCKER_HOST says otherwise


def open_engine() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST names, else of this machine's. Raises UsageError."""
    with told_plainly():
        return docker.from_env(timeout=TIMEOUT)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Raises UsageError for an engine that is away and for an image that is missing, HpoError for
    what it refuses, each in one line."""
    try:
        yield
    except ImageNotFound as error:
        raise UsageError(
            one_line(f"Docker: {error.explanation}; build the images with: make images")
        ) from error
    except APIError as error:
        raise HpoError(one_line(f"Docker: {error.explanation or error}")) from error
    except (DockerException, requests.RequestException) as error:
        place = os.environ.get("DOCKER_HOST", SOCKET)
        raise UsageError(
            one_line(
                f"Docker does not answer at {place}: is it running, and may user {os.geteuid()} "
                f"use its socket? ({_cause(error)})"
            )
        ) from error


def gpus(client: docker.DockerClient, image: str) -> list[str]:
    """The GPUs a container may ask for, by the number Docker has for them; none without NVIDIA's
    runtime. `image` is run for a moment: the runtime puts the driver's tool into it."""
    if "nvidia" not in client.info().get("Runtimes", {}):
        return []
    try:
        listed = client.containers.run(
            image,
            ["-L"],
            entrypoint=["nvidia-smi"],
            device_requests=[gpu_request(None)],
            network_mode="none",
            remove=True,
        )
    except (APIError, ContainerError):  # no driver, or a broken one
        return []
    return shares.listed_gpus(listed.decode())


def gpu_request(device: str | None) -> DeviceRequest:
    """What a container asks for to get one GPU; None: all there are."""
    if device is None:
        return DeviceRequest(count=-1, capabilities=[["gpu"]])
    return DeviceRequest(device_ids=[device], capabilities=[["gpu"]])


def _cause(error: BaseException) -> str:
    """The innermost message: the ones around it repeat it with more brackets."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error)
