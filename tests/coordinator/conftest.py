"""A study with a past: a registry on a real PostgreSQL, trials that ended, a packed data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from study import atomic, paths
from study.config.records import StudyConfig
from study.dataset import DatasetManifest, SplitRange
from study.lease import Intermediate, Lease, Outcome
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry
from study.sampling import ask

STORE = "f" * 64
PACKED = DatasetManifest(
    content=STORE,
    classes=("finch", "wren"),
    size=16,
    channels=1,
    splits={"train": SplitRange(start=0, stop=2, class_counts=(1, 1))},
    mean=(0.5,),
    std=(0.25,),
    source="/birds",
    names=("finch/a.png", "wren/b.png"),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything the project writes goes under here; no database is named."""
    for variable in ("HPO_DATA", "HPO_ARTIFACTS", "HPO_STORAGE", "HPO_STORAGE_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HPO_HOME", str(tmp_path / ".hpo"))
    monkeypatch.setenv("HPO_ARTIFACTS", str(tmp_path / "artifacts"))
    return tmp_path


@pytest.fixture
def registry(postgres_url: URL, home: Path) -> Iterator[Registry]:  # noqa: ARG001 - sets the environment
    registry = Registry(postgres_url)
    yield registry
    registry.close()


@pytest.fixture
def config() -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "birds",
            "data": {"source": "/birds", "image_size": 16, "channels": 1},
            "training": {"epochs": 2},
            "space": {
                "training.learning_rate": {
                    "type": "float",
                    "low": 1e-4,
                    "high": 1e-1,
                    "log": True,
                },
                "model.n_layers": {"type": "int", "low": 1, "high": 3},
            },
            "search": {"sampler": {"name": "random"}, "budget": {"trials": 6}},
        }
    )


@pytest.fixture
def study(registry: Registry, config: StudyConfig) -> RegisteredStudy:
    """Registered, its data set packed (without pixels), no trial begun."""
    atomic.write_text(paths.data().store(STORE) / paths.MANIFEST, PACKED.model_dump_json())
    return registry.create(config, store=STORE, workers=2)


class Past:
    """Ends trials as workers do."""

    def __init__(self, registry: Registry, study: RegisteredStudy) -> None:
        self._registry = registry
        self._study = study

    def begin(self, worker: str = "w") -> Lease:
        """A trial with its parameters."""
        lease = Ledger(self._registry.engine, self._study.study_id, worker).claim(holding=[])
        assert isinstance(lease, Lease)
        optuna_study = self._registry.optuna_study(self._study, trial=lease.number)
        ask(optuna_study, lease.trial_id, self._study.config)
        return lease

    def release(self, lease: Lease) -> None:
        """Gives a trial back."""
        Ledger(self._registry.engine, self._study.study_id, lease.worker).release(lease)

    def end(self, value: float | None, outcome: Outcome = Outcome.COMPLETE) -> int:
        """A trial that was trained for two epochs; gives its number."""
        lease = self.begin(f"w{value}")
        ledger = Ledger(self._registry.engine, self._study.study_id, lease.worker)
        for epoch in range(2):
            metrics = {"accuracy": value or 0.0, "images_per_second": 100.0}
            ledger.report(
                lease, epoch=epoch, intermediate=Intermediate(epoch, value or 0.0), metrics=metrics
            )
        ledger.finish(lease, outcome, value=value, weights="best.pt")
        return lease.number


@pytest.fixture
def past(registry: Registry, study: RegisteredStudy) -> Past:
    return Past(registry, study)
