"""A real PostgreSQL for the whole run; a database of its own for each test that asks."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from study.embedded import EmbeddedPostgres
from tests.s3 import FakeS3, running_s3

_numbers = itertools.count()

# Before torch is imported, here and in processes of tests: where two tests run at a time their
# pools of threads wait for one another, and on busy cores a tiny model trained for minutes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# On busy cores an example takes as long as it likes, and so does making one up; pytest-timeout ends
# a test that hangs. Every run tries the same examples: what fails once fails again. Examples share
# the fixtures of their test, of which none keeps anything.
settings.register_profile(
    "busy",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("busy")

# A shell that starts pytest in the background has it ignore Ctrl-C, and so would every process that
# a test starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server; its directory is short because of the length limit of socket names."""
    with tempfile.TemporaryDirectory(prefix="hpo-test-") as directory:
        server = EmbeddedPostgres(Path(directory) / "postgres")
        # no test cuts the machine's power, and hundreds of databases come and go
        _execute(server, "ALTER SYSTEM SET fsync = off")
        _execute(server, "SELECT pg_reload_conf()")
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
def postgres_url(postgres: EmbeddedPostgres) -> Iterator[URL]:
    """An empty database, gone after the test: hundreds of them would fill a small disk."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _execute(postgres, f"CREATE DATABASE {name}")
    yield postgres.url().set(database=name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(postgres: EmbeddedPostgres, statement: str) -> None:
    postgres.ensure_running()
    engine = create_engine(postgres.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
