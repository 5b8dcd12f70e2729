"""Trains once, without a search: a study of one trial on its way through everything a study goes
through, so its model is measured and promoted like any other.

Knows nothing of how a study is run (submit.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from coordinator.preparation import written
from coordinator.promoted import in_use, metrics
from coordinator.single_run import given, given_again, next_name, single_run
from coordinator.site import Site
from coordinator.storage import storage
from coordinator.submit import submit
from study import exit_codes, paths
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.errors import UsageError
from study.registry import RegisteredStudy, Registry


def train(
    site: Site, study: str, *, trial: int | None, overrides: Sequence[str], console: Console
) -> int:
    """Runs the configuration of a study once, or with the parameters of one of its trials; gives
    the exit status. Raises UsageError before anything has started."""
    config = _single(study, trial, overrides)
    console.print(f"study {config.name}: one training run", highlight=False)
    with written(config) as file:
        status = submit(site, str(file), workers=1, overrides=(), console=console)
    if status == exit_codes.DONE:
        _show(config.name, console)
    return status


def _single(study: str, trial: int | None, overrides: Sequence[str]) -> StudyConfig:
    """Under a name that no study has."""
    config = given(study, overrides) if trial is None else None
    with storage() as (registry, _):
        if config is None:
            assert trial is not None
            found = registry.find(study)
            config = given_again(found.config, parameters_of(registry, found, trial), overrides)
        return single_run(config, name=next_name(config.name, registry.names()))


def parameters_of(
    registry: Registry, study: RegisteredStudy, trial: int
) -> dict[str, Scalar | None]:
    """By dotted path. Raises UsageError where there is no such trial."""
    trials = registry.optuna_study(study).get_trials(deepcopy=False)
    if not 0 <= trial < len(trials):
        known = f"0 to {len(trials) - 1}" if trials else "none"
        raise UsageError(f"study {study.name!r} has no trial {trial}; there are: {known}")
    return dict(trials[trial].params)


def _show(name: str, console: Console) -> None:
    """What promotion measured, and where the weights are."""
    place = paths.artifacts(name)
    version = in_use(place)
    assert version is not None
    measured = metrics(place.version(version))
    (validation,) = measured["validation"].values()
    test = measured["test"]
    table = Table("metric", "validation", "held-out test")
    for metric, value in validation.items():
        table.add_row(metric, _number(value), "" if test is None else _number(test.get(metric)))
    console.print(table)
    console.print(f"weights: {place.version(version) / paths.WEIGHTS}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
