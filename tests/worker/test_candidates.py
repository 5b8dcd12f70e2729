from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from sqlalchemy.engine import URL

from study.atomic import write_json
from study.config.records import StudyConfig
from study.lease import Lease, Outcome
from study.ledger import Ledger
from study.paths import DataPaths, StudyPaths
from study.registry import Registry
from worker.candidates import measure_candidates
from worker.evaluation.measure import measure
from worker.models.precision import formats
from worker.step.decision import Decision, kind_of

CPU = torch.device("cpu")

NewStudy = Callable[..., StudyConfig]


@pytest.fixture
def registry(postgres_url: URL) -> Iterator[Registry]:
    opened = Registry(postgres_url)
    yield opened
    opened.close()


def test_candidates_are_measured_in_the_format_that_trials_are_trained_in(
    registry: Registry, new_study: NewStudy, shapes_store: Path, trained: Path, tmp_path: Path
) -> None:
    config, artifacts = new_study(training={"batch_size": 16}), StudyPaths(tmp_path / "study")
    study = registry.create(config, store=shapes_store.name, workers=1)
    ledger = Ledger(registry.engine, study.study_id, "w")
    lease = ledger.claim(holding=[])
    assert isinstance(lease, Lease)
    ledger.finish(lease, Outcome.COMPLETE, value=0.5, weights=trained.name)
    artifacts.trial(0).mkdir(parents=True)
    shutil.copy(trained, artifacts.trial(0))

    def measured() -> dict[str, float]:
        return measure_candidates(
            registry, study, [0], artifacts=artifacts, data=DataPaths(shapes_store.parents[1]),
            output=tmp_path / "output", device="cpu", threads=1,
        )["validation"]["0"]  # fmt: skip

    def computed(precision: str) -> dict[str, float]:
        said = new_study(training={"batch_size": 16, "precision": precision})
        return measure(said, shapes_store, trained, "val", device="cpu", threads=1)

    (tmp_path / "output").mkdir()
    suggested = formats(CPU)[0]
    decided = "float32" if suggested == "bfloat16" else "bfloat16"
    assert computed(suggested)["loss"] != computed(decided)["loss"]
    assert measured() == computed(suggested)
    kind = kind_of(config, CPU, 1)
    decision = Decision(kind=kind, precision=decided, compiled=False, reasons=())
    artifacts.step(kind.name).parent.mkdir()
    write_json(artifacts.step(kind.name), decision.model_dump(mode="json"))
    assert measured() == computed(decided)
