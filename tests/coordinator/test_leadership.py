"""Which coordinator acts, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from coordinator.leadership import Leadership
from tests.eventually import eventually


@pytest.fixture
def engine(postgres_url: URL) -> Iterator[Engine]:
    engine = create_engine(postgres_url)
    yield engine
    engine.dispose()


def test_one_coordinator_leads_until_it_leaves(engine: Engine) -> None:
    with Leadership(engine, 1) as first, Leadership(engine, 1) as second:
        assert first.held()
        assert first.held()
        assert not second.held()
        with first:
            pass
        eventually("the server gives the lock up", second.held)


def test_two_studies_have_a_leader_each(engine: Engine) -> None:
    with Leadership(engine, 1) as first, Leadership(engine, 2) as second:
        assert first.held()
        assert second.held()


def test_a_leader_whose_session_broke_knows_it_and_another_may_lead(engine: Engine) -> None:
    with Leadership(engine, 1) as first, Leadership(engine, 1) as second:
        assert first.held()
        with engine.connect() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
                )
            )
        with pytest.raises(OperationalError):
            first.held()
        eventually("the server gives the lock up", second.held)
        assert not first.held()
