"""A study that looks for accuracy and for few parameters, and its trials."""

from __future__ import annotations

from study.config.records import StudyConfig
from study.lease import Outcome
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry
from tests.coordinator.conftest import Past

ENDS = [(0.90, 5e6), (0.95, 9e6), (0.945, 8e6), (0.80, 1e6), (0.70, 2e6)]
"""Accuracy and parameters of each trial."""


def with_two_objectives(config: StudyConfig) -> StudyConfig:
    values = config.model_dump(mode="json")
    values["search"] |= {"second": "parameters", "tolerance": 0.01, "pruner": {"name": "none"}}
    return StudyConfig.model_validate(values)


def end_all(registry: Registry, study: RegisteredStudy, past: Past) -> None:
    """All of ENDS, in order."""
    for value, second in ENDS:
        lease = past.begin()
        ledger = Ledger(registry.engine, study.study_id, lease.worker)
        ledger.report(lease, epoch=0, intermediate=None, metrics={"accuracy": value})
        ledger.finish(lease, Outcome.COMPLETE, value=value, second=second, weights="best.pt")
