"""Workers reach the database through PgBouncer as if they were connected to it."""

from __future__ import annotations

import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from coordinator.database.pooler import write_configuration
from study.config.records import StudyConfig
from study.database import SLEEP_TIMEOUT, STATEMENT_TIMEOUT, connect, is_outage
from study.errors import DatabaseUnreachable, UsageError
from study.ledger import Ledger
from study.registry import Registry

from .conftest import AS_USER, Container, eventually, free_port

WORKERS = 70  # more than PgBouncer has connections to the database


@dataclass
class Pooled:
    """A server and the PgBouncer before it."""

    server: Container
    port: int

    def url(self) -> URL:
        return self.server.url().set(port=self.port)


def test_the_list_of_users_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    url = URL.create("postgresql", "hpo", 'pass"word', "postgres", 5432, "hpo")
    configuration = write_configuration(url, tmp_path)
    users = tmp_path / "pgbouncer-users.txt"
    assert users.read_text() == '"hpo" "pass""word"\n'
    assert users.stat().st_mode & 0o077 == configuration.stat().st_mode & 0o077 == 0
    assert "pass" not in configuration.read_text().replace("password", "")
    write_configuration(url, tmp_path)  # a second start in the same place


def test_an_url_that_leaves_something_open_is_refused_without_repeating_it(tmp_path: Path) -> None:
    url = URL.create("postgresql", None, "secret", "postgres", None, "hpo")
    with pytest.raises(UsageError, match="must name host, database, user and password") as raised:
        write_configuration(url, tmp_path)
    assert "secret" not in str(raised.value)


@pytest.fixture(scope="module")
def pooled(database: Container) -> Pooled:
    if shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("pgbouncer is not installed")
    server, port = database, free_port()
    # the port alone differs from what the container runs
    program = AS_USER.replace(
        "coordinator.cli.main()",
        "from coordinator.database.pooler import serve_pooler\n"
        "from study.database import database_url\n"
        f"serve_pooler(database_url(), pathlib.Path(os.environ['TMPDIR']), {port})",
    ).replace("import os,", "import os, pathlib,")
    pooler = server.start(program=program)
    eventually("PgBouncer listens", lambda: server.is_ready(port) or pooler.poll() is not None, 20)
    return Pooled(server, port)


def test_statements_have_their_timeouts_there_too(pooled: Pooled) -> None:
    engine = connect(pooled.url())
    with engine.connect() as connection:
        asked = "SELECT setting FROM pg_settings WHERE name = :name"
        for name, wanted in (
            ("statement_timeout", STATEMENT_TIMEOUT),
            ("idle_in_transaction_session_timeout", SLEEP_TIMEOUT),
        ):
            assert connection.execute(text(asked), {"name": name}).scalar_one() == str(wanted)
    engine.dispose()


def test_more_workers_than_connections_start_together_and_claim_each_its_own_trial(
    pooled: Pooled, config: StudyConfig
) -> None:
    direct = Registry(pooled.server.url())
    search = config.search.model_copy(
        update={"budget": config.search.budget.model_copy(update={"trials": WORKERS})}
    )
    study = direct.create(
        config.model_copy(update={"search": search}), store="f" * 64, workers=WORKERS
    )
    all_there = threading.Barrier(WORKERS)

    def work(number: int) -> int:
        all_there.wait(60)
        registry = Registry(pooled.url())
        try:
            claimed = Ledger(registry.engine, study.study_id, f"worker-{number}").claim()
            return claimed.number
        finally:
            registry.close()

    with ThreadPoolExecutor(WORKERS) as pool:
        assert sorted(pool.map(work, range(WORKERS))) == list(range(WORKERS))
    direct.close()


def test_a_server_that_is_away_is_an_outage_that_passes(pooled: Pooled) -> None:
    engine = connect(pooled.url())
    server = pooled.server.processes[0]
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    with pytest.raises((DBAPIError, DatabaseUnreachable)) as raised, engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert is_outage(raised.value)
    pooled.server.serve()

    def answers() -> bool:
        try:
            with engine.connect() as connection:
                return connection.execute(text("SELECT 1")).scalar_one() == 1
        except DBAPIError:
            return False

    eventually("it answers again", answers, 20)
    engine.dispose()


def test_at_the_end_sigterm_ends_it(pooled: Pooled) -> None:
    pooler = pooled.server.processes[1]
    pooler.send_signal(signal.SIGTERM)
    pooler.communicate(timeout=20)
    assert pooler.returncode == 0
