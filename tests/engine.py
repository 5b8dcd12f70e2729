"""Tests that need a Docker engine and the images: skipped with the reason where there are none, but
for `make test-images`, which sets HPO_REQUIRE_DOCKER and fails there."""

from __future__ import annotations

import os
import socket
import tomllib
from pathlib import Path
from typing import NoReturn

import docker
import pytest
from docker.errors import ImageNotFound

from coordinator.backends.engine import SOCKET

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
VERSION = tomllib.loads(PROJECT.read_text())["project"]["version"]


def coordinator_image() -> str:
    return os.environ.get("HPO_COORDINATOR_IMAGE", f"hpo-coordinator:{VERSION}")


def worker_image() -> str:
    return os.environ.get("HPO_WORKER_IMAGE", f"hpo-worker:{VERSION}")


def engine_with(*images: str) -> docker.DockerClient:
    """A client of an engine that has the images. To be closed."""
    _knock()
    client = docker.from_env(timeout=120)
    for image in images:
        try:
            client.images.get(image)
        except ImageNotFound:
            client.close()
            _do_without(f"{image} is not built: make images")
    return client


def _knock() -> None:
    """Connects once by itself: the SDK leaves its socket open where nobody answers."""
    place = os.environ.get("DOCKER_HOST", SOCKET)
    if not place.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        try:
            knocking.connect(place.removeprefix("unix://"))
        except OSError as error:
            _do_without(f"no Docker engine answers at {place}: {error.strerror}")


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("HPO_REQUIRE_DOCKER"):
        pytest.fail(reason)
    pytest.skip(reason)
