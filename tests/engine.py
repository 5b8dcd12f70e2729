"""Tests that need a Docker engine and the images: skipped with the reason where there are none, but
for `make test-images`, which sets HPO_REQUIRE_DOCKER and fails there."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import NoReturn

import docker
import pytest
from docker.errors import DockerException, ImageNotFound

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
VERSION = tomllib.loads(PROJECT.read_text())["project"]["version"]


def coordinator_image() -> str:
    return os.environ.get("HPO_COORDINATOR_IMAGE", f"hpo-coordinator:{VERSION}")


def worker_image() -> str:
    return os.environ.get("HPO_WORKER_IMAGE", f"hpo-worker:{VERSION}")


def engine_with(*images: str) -> docker.DockerClient:
    """A client of an engine that has the images. To be closed."""
    try:
        client = docker.from_env(timeout=120)
    except DockerException as error:
        _do_without(f"no Docker engine answers: {error}")
    for image in images:
        try:
            client.images.get(image)
        except ImageNotFound:
            client.close()
            _do_without(f"{image} is not built: make images")
    return client


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("HPO_REQUIRE_DOCKER"):
        pytest.fail(reason)
    pytest.skip(reason)
