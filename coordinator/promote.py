"""Promotes a study's best model: the top few trials are measured again, and the winner published.

Knows nothing of how trials are measured (the worker's `measure`) nor of what a version holds
(publish.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from coordinator import mirrored, worker_program
from coordinator.publish import promoted_before, publish, put_in_use
from coordinator.worker_program import WorkerProgram
from study import paths
from study.errors import HpoError, UsageError, one_line
from study.lock import locked
from study.paths import UNPUBLISHED, StudyPaths
from study.progress import ranking
from study.registry import RegisteredStudy, Registry

TOP = 3  # trials measured again: the best by the objective may have been lucky


def promote(
    registry: Registry,
    study: RegisteredStudy,
    program: WorkerProgram,
    *,
    trial: int | None = None,
    reuse: bool = False,
) -> int:
    """Promotes the best trial, or `trial`; gives the version. Where the same candidates were
    promoted last, that version is kept.

    reuse: point `latest` at the version though it was rolled back. Raises HpoError where no trial
    is complete, UsageError for a `trial` that is not.
    """
    chosen = candidates(registry, study, trial)
    place = paths.artifacts(study.name)
    with locked(place.promotion_lock):
        version = promoted_before(place, chosen)
        if version is None:
            work = fresh_work(place, chosen)
            program.call(
                measure_arguments(chosen, work),
                worker_program.environment(registry.url, study.name),
            )
            version = publish(registry, study, chosen, work)
        put_in_use(registry, study, version, reuse=reuse)
    return version


def candidates(registry: Registry, study: RegisteredStudy, trial: int | None) -> list[int]:
    """Numbers of the trials to measure again, best first. Raises as `promote` does."""
    complete = [ranked.number for ranked in ranking(registry, study)]
    if not complete:
        raise HpoError(
            f"no trial of study {study.name!r} is complete, so there is none to promote"
            + _last_reason(registry, study)
        )
    if trial is None:  # measured again, the metric alone would win over the second objective
        return complete[: 1 if study.config.search.second else TOP]
    if trial not in complete:
        raise UsageError(
            f"trial {trial} of study {study.name!r} is not complete; "
            f"complete are, best first: {', '.join(map(str, complete))}"
        )
    return [trial]


def fresh_work(place: StudyPaths, candidates: Sequence[int]) -> Path:
    """An empty folder for what is measured; those of promotions that were killed are gone."""
    for unfinished in place.promoted.glob(f"{UNPUBLISHED}*"):
        shutil.rmtree(unfinished)
    work = place.unpublished(candidates)
    work.mkdir(parents=True)
    mirrored.clear(work)
    return work


def measure_arguments(candidates: Sequence[int], work: Path) -> list[str]:
    """Of the call of `hpo-worker` that fills `work`."""
    return ["measure", "--trials", ",".join(map(str, candidates)), "--output", str(work)]


def _last_reason(registry: Registry, study: RegisteredStudy) -> str:
    """Why the last trial that gave a reason ended."""
    for trial in reversed(registry.optuna_study(study).get_trials(deepcopy=False)):
        if reason := trial.user_attrs.get("reason"):
            return f"; trial {trial.number}: {one_line(str(reason))}"
    return ""
