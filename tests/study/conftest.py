"""A registered study without pictures: what the ledger's tests need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.engine import URL

from study.config.records import StudyConfig
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry

STORE = "0" * 64

MakeStudy = Callable[..., RegisteredStudy]


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
