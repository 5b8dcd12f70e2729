"""A real PostgreSQL for the whole run; a database of its own for each test that asks."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from study.embedded import EmbeddedPostgres
from tests.s3 import FakeS3, running_s3

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server; its directory is short because of the length limit of socket names."""
    with tempfile.TemporaryDirectory(prefix="hpo-test-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        yield server
        server.stop("immediate")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    """An object store of this test's own; this process and those it starts can reach it."""
    with running_s3() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def postgres_url(postgres: EmbeddedPostgres) -> URL:
    """An empty database."""
    postgres.ensure_running()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgres.url().set(database=name)
