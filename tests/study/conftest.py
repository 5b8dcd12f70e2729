"""A registered study without pictures: what the ledger's tests need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from study.config.records import StudyConfig
from study.lease import Lease
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry

STORE = "0" * 64

MakeStudy = Callable[..., RegisteredStudy]
LedgerOf = Callable[[RegisteredStudy, str], Ledger]


def make_config(name: str = "birds", **changes: Any) -> StudyConfig:
    """A small valid configuration; `changes` are top-level sections."""
    content: dict[str, Any] = {
        "name": name,
        "data": {"source": "/pictures", "image_size": 32},
        "space": {
            "training.learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True}
        },
        "search": {"budget": {"trials": 5}},
        **changes,
    }
    return StudyConfig.model_validate(content)


def claimed(ledger: Ledger, holding: tuple[int, ...] = ()) -> Lease:
    lease = ledger.claim(holding)
    assert isinstance(lease, Lease)
    return lease


def age_heartbeats(registry: Registry, seconds: float) -> None:
    """Lets time pass in the database."""
    with registry.engine.begin() as tx:
        tx.execute(
            text("UPDATE ledger.lease SET heartbeat_at = heartbeat_at - make_interval(secs => :s)"),
            {"s": seconds},
        )


def restart_clock(registry: Registry, seconds: float) -> None:
    """The server of the tests is younger than a lease: pretend that it started earlier."""
    with registry.engine.begin() as tx:
        tx.execute(
            text(
                "CREATE OR REPLACE FUNCTION public.pg_postmaster_start_time() RETURNS timestamptz"
                " LANGUAGE sql AS $$ SELECT pg_catalog.pg_postmaster_start_time()"
                f" - make_interval(secs => {seconds}) $$"
            )
        )
        database = tx.execute(text("SELECT current_database()")).scalar_one()
        tx.execute(text(f"ALTER DATABASE {database} SET search_path = public, pg_catalog"))
    registry.engine.dispose()


@pytest.fixture
def registry(postgres_url: URL) -> Iterator[Registry]:
    """An empty registry."""
    registry = Registry(postgres_url)
    yield registry
    registry.close()


@pytest.fixture
def make_study(registry: Registry) -> MakeStudy:
    """Creates a study of the given budget and lease time."""

    def make(trials: int = 5, lease_seconds: float = 30.0, **budget: float) -> RegisteredStudy:
        config = make_config(
            search={"budget": {"trials": trials, **budget}},
            resources={"lease_seconds": lease_seconds, "max_attempts": 3},
        )
        return registry.create(config, store=STORE, workers=1)

    return make


@pytest.fixture
def ledger_of(registry: Registry) -> Callable[[RegisteredStudy, str], Ledger]:
    """The ledger of a study as the named worker sees it."""
    return lambda study, worker: Ledger(registry.engine, study.study_id, worker)
