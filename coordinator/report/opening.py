"""The page's first screen: what the study came to, and what is promoted.

Knows nothing of the rest of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape

from coordinator.promoted import in_use, metrics
from coordinator.report.evidence import Evidence
from coordinator.report.markup import Html, Section, missing, table
from coordinator.watch import duration
from study import paths
from study.errors import CheckpointCorrupt
from study.promotion import read_promoted
from study.registry import RegisteredStudy


def cards(evidence: Evidence) -> Html:
    """The numbers that are looked for first."""
    progress, metric = evidence.progress, evidence.study.config.search.metric
    best, tested = evidence.best, _tested(evidence.study)
    ended = ", ".join(f"{count} {name}" for name, count in sorted(progress.outcomes.items()))
    folds = evidence.study.config.folds
    mean = f", mean of {folds} folds" if folds > 1 else ""
    running = f", {len(progress.running)} running" if progress.running else ""
    paused = f", {progress.budget.paused} paused" if progress.budget.paused else ""
    early = f"; ended early: {progress.budget.concluded}" if progress.budget.concluded else ""
    shown = [
        (
            f"best {metric}, validation split",
            f"{best.values[0]:.4f}" if best else "\N{EN DASH}",
            f"trial {best.number}{mean}" if best else "no trial is complete yet",
        ),
        (
            f"promoted, {metric} on test split",
            f"{tested[metric]:.4f}" if tested and metric in tested else "\N{EN DASH}",
            "pictures no trial has seen" if tested else "not measured",
        ),
        (
            "trials",
            f"{progress.ended:,} of {progress.budget.trials:,}",
            f"{ended}{running}{paused}{early}" or "none has begun",
        ),
        ("device time", duration(progress.budget.device_spent), "of all workers together"),
    ]
    return "".join(
        f"<div><dt>{escape(name)}</dt><dd><strong>{escape(value)}</strong>"
        f"<span>{escape(more)}</span></dd></div>"
        for name, value, more in shown
    )


def promoted(study: RegisteredStudy) -> Section:
    """The version in use, and what it was measured by."""
    return Section("promoted", "Promoted model", _version(study))


def _version(study: RegisteredStudy) -> Html:
    place = paths.artifacts(study.name)
    version = in_use(place)
    if version is None:
        return missing("nothing is promoted yet")
    try:
        manifest = read_promoted(place.version(version))
        measured = metrics(place.version(version))
    except (CheckpointCorrupt, OSError, ValueError) as error:
        return missing(str(error))
    splits: dict[str, Mapping[str, float]] = {
        f"trial {number}, validation": values for number, values in measured["validation"].items()
    }
    if measured["test"]:
        splits[f"trial {manifest.trial}, held-out test"] = measured["test"]
    names = list(dict.fromkeys(name for values in splits.values() for name in values))
    rows = [
        [split, *(_number(values.get(name)) for name in names)] for split, values in splits.items()
    ]
    fold = " on their middle fold" if study.config.folds > 1 else ""
    caption = (
        f"Version {version}, trial {manifest.trial}, of "
        f"{datetime.fromisoformat(manifest.created):%Y-%m-%d %H:%M} UTC; the best trials were "
        f"measured again{fold}, the winner once on the test split"
    )
    return table(caption, ["measured", *names], rows, numbers=range(1, len(names) + 1))


def _tested(study: RegisteredStudy) -> Mapping[str, float] | None:
    place = paths.artifacts(study.name)
    version = in_use(place)
    try:
        return None if version is None else metrics(place.version(version))["test"]
    except (OSError, ValueError):  # told where the version is
        return None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
