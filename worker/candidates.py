"""Measures a study's best trials again and writes out the winner: what promotion rests on.

The objective is the best of many epochs of many trials, so it flatters. Each candidate's kept
weights are measured on the validation split once more, and only the winner sees the test split.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import Engine

from study import atomic
from study.config.fill import fill
from study.config.records import StudyConfig
from study.dataset import Split, read_manifest
from study.errors import CheckpointCorrupt, UsageError
from study.mirror import Mirror, fetch_missing
from study.paths import LIKENESS, METRICS, WEIGHTS, DataPaths, StudyPaths
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS

if TYPE_CHECKING:
    from worker.evaluation.calibration import Calibration

Metrics = dict[str, float]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A trial that is measured again."""

    config: StudyConfig
    """With its parameters filled in."""
    weights: Path


class Candidates(TypedDict):
    """What was measured."""

    winner: int
    """Trial number."""
    validation: dict[str, Metrics]
    """By trial number."""
    test: Metrics | None
    """Of the winner; None for a data set without a test split."""
    calibration: Calibration
    """Of the winner."""


def measure_candidates(
    registry: Registry,
    study: RegisteredStudy,
    numbers: Sequence[int],
    *,
    artifacts: StudyPaths,
    data: DataPaths,
    output: Path,
    device: str,
    threads: int,
    mirror: Mirror | None = None,
) -> Candidates:
    """Measures the trials `numbers`, best first by their objective, and writes the winner's
    weights and metrics into `output`. A candidate whose weights are damaged is left out. They are
    measured in the number format that trials on such a machine are trained in; what answers are
    judged by is in the one the device suggests, as answers are anywhere.

    `mirror` is of the artifacts: weights that are not here come from it, and what is written goes
    there too. Raises UsageError when none of them has weights that can be read.
    """
    from worker.evaluation.calibration import calibrate  # imports torch
    from worker.evaluation.likeness import save_likeness
    from worker.evaluation.measure import export_model, measure

    store = data.store(study.store)
    settled = _settling(study.config, artifacts, device, threads)

    def measured(candidate: Candidate, split: Split) -> Metrics:
        config, weights = settled(candidate.config), candidate.weights
        return measure(config, store, weights, split, device=device, threads=threads)

    candidates = _candidates(registry, study, numbers, artifacts)
    validation = _validated(candidates, partial(measured, split="val"), mirror)
    if not validation:
        raise UsageError(f"none of the trials {list(numbers)} has weights that can be read")
    winner = _best(validation, study.config)
    config, weights = candidates[winner].config, candidates[winner].weights
    has_test = "test" in read_manifest(store).splits
    likeness, calibration = calibrate(config, store, weights, device=device, threads=threads)
    result = Candidates(
        winner=winner,
        validation={str(number): metrics for number, metrics in validation.items()},
        test=measured(candidates[winner], "test") if has_test else None,
        calibration=calibration,
    )
    export_model(weights, config, store, output / WEIGHTS)
    save_likeness(likeness, output / LIKENESS)
    atomic.write_json(output / METRICS, result)
    if mirror is not None:
        for name in (WEIGHTS, LIKENESS, METRICS):
            mirror.upload(output / name)
    return result


def _candidates(
    registry: Registry, study: RegisteredStudy, numbers: Sequence[int], artifacts: StudyPaths
) -> dict[int, Candidate]:
    """Those that have weights, by number. Raises UsageError for a number of no trial."""
    files = _weights(registry.engine, study.study_id)
    configs = {number: _filled(registry, study, number) for number in numbers}
    for number in [number for number in numbers if number not in files]:
        log.warning("trial %d: has no weights", number)
    return {
        number: Candidate(config, artifacts.trial(number) / files[number])
        for number, config in configs.items()
        if number in files
    }


def _settling(
    study: StudyConfig, artifacts: StudyPaths, device: str, threads: int
) -> Callable[[StudyConfig], StudyConfig]:
    """Makes of a trial's configuration what workers on such a machine make of it."""
    from worker.models.device import resolve_device
    from worker.step.decision import kind_of, made, settled

    where = resolve_device(device)
    kind = kind_of(study, where, threads)
    decision = made(artifacts.step(kind.name), kind)
    return lambda config: settled(config, decision, where) if decision else config


def _validated(
    candidates: Mapping[int, Candidate],
    measured: Callable[[Candidate], Metrics],
    mirror: Mirror | None,
) -> dict[int, Metrics]:
    """By number; without those whose weights cannot be read."""
    found: dict[int, Metrics] = {}
    for number, candidate in candidates.items():
        try:
            fetch_missing(mirror, candidate.weights)
            found[number] = measured(candidate)
        except (CheckpointCorrupt, OSError) as error:
            log.warning("trial %d: its weights cannot be read: %s", number, error)
    return found


def _best(measured: dict[int, Metrics], config: StudyConfig) -> int:
    """The trial with the best metric; of equals the first given. That of the best mean where there
    are folds: one fold of each was measured again, and each on other pictures."""
    search = config.search
    if config.data.split.folds:
        return next(iter(measured))
    return max(measured, key=lambda number: search.sign * measured[number][search.metric])


def _filled(registry: Registry, study: RegisteredStudy, number: int) -> StudyConfig:
    trials = registry.optuna_study(study).get_trials(deepcopy=False)
    if not 0 <= number < len(trials):
        raise UsageError(f"study {study.name!r} has no trial {number}, it has {len(trials)}")
    return fill(study.config, trials[number].params)


def _weights(engine: Engine, study_id: int) -> dict[int, str]:
    with engine.connect() as connection:
        rows = connection.execute(STATEMENTS["weights"], {"study_id": study_id})
        return {row.number: row.weights for row in rows}
