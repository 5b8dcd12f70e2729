"""What tests of the images have: an engine, containers that are gone afterwards, a database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.types import Mount
from sqlalchemy.engine import URL

from tests.engine import coordinator_image, engine_with, worker_image
from tests.eventually import eventually

USER = "10001:10001"
OTHER_USER = "4321:8765"
PASSWORD = "not-in-any-log"


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    if not os.environ.get("HPO_REQUIRE_DOCKER"):
        pytest.skip("takes minutes and a Docker engine: make test-images")
    client = engine_with(coordinator_image(), worker_image())
    yield client
    client.close()


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Engine:
    """Runs containers as a person would who knows nothing of what is in them."""

    client: docker.DockerClient
    network: str
    containers: list[Container] = field(default_factory=list)

    def start(self, image: str, *command: str, **options: Any) -> Container:
        given = {"read_only": True, "tmpfs": {"/tmp": ""}, "network": self.network} | options
        found = self.client.containers.create(image, list(command) or None, **given)
        self.containers.append(found)
        found.start()
        return found

    def run(self, image: str, *command: str, **options: Any) -> Ended:
        return ended(self.start(image, *command, **options))

    def check(self) -> None:
        """Fails with what the last container said, if it has ended."""
        last = self.containers[-1]
        last.reload()
        assert last.status == "running", last.logs().decode()


def ended(found: Container, timeout: float = 100.0) -> Ended:
    status = found.wait(timeout=timeout)["StatusCode"]
    out, err = (found.logs(stdout=out, stderr=not out).decode() for out in (True, False))
    return Ended(status, out, err)


@pytest.fixture
def containers(engine: docker.DockerClient) -> Iterator[Engine]:
    name = f"test-{secrets.token_hex(4)}"
    network = engine.networks.create(name)
    used = Engine(engine, name)
    yield used
    for container in used.containers:
        container.remove(force=True, v=True)
    network.remove()


@dataclass(frozen=True)
class Database:
    """PostgreSQL in a container of the coordinator's image."""

    url: URL
    """As this machine reaches it."""
    file: Mount
    """Its URL, as containers of the network reach it."""


@pytest.fixture
def database(containers: Engine, tmp_path: Path) -> Database:
    folder = tmp_path / "database"
    folder.mkdir()
    (folder / "password").write_text(PASSWORD)
    server = containers.start(
        coordinator_image(),
        "serve-postgres",
        name=f"{containers.network}-postgres",
        environment={"PGDATA": "/var/lib/postgresql/data", "HPO_PASSWORD_FILE": "/password"},
        mounts=[
            Mount("/password", str(folder / "password"), type="bind", read_only=True),
            Mount("/var/lib/postgresql", None),
        ],
    )
    eventually(
        "PostgreSQL is ready",
        lambda: server.exec_run(["pg_isready", "--host=127.0.0.1"]).exit_code == 0,
    )
    server.reload()
    address = server.attrs["NetworkSettings"]["Networks"][containers.network]["IPAddress"]
    url = URL.create("postgresql+psycopg2", "hpo", PASSWORD, address, 5432, "hpo")
    file = folder / "storage"
    file.write_text(f"postgresql://hpo:{PASSWORD}@{server.name}:5432/hpo")
    return Database(url, Mount("/run/secrets/storage", str(file), type="bind", read_only=True))
