"""Tells what running a study on this machine would take; nothing is begun.

Knows nothing of how an estimate is made (estimate.py) nor of clusters (cluster/laptop/plan.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from coordinator.backends import shares
from coordinator.estimate import Rehearsal, count_pictures, lines, read_rehearsal, space_table
from coordinator.preparation import written
from coordinator.site import Site
from coordinator.storage import storage
from study.config.load import find_study, load_study
from study.config.records import StudyConfig


def plan(
    site: Site,
    study: str,
    *,
    workers: int,
    overrides: Sequence[str],
    measure: bool,
    console: Console,
) -> None:
    """Shows space, trials and time. Raises UsageError where submit would refuse the study."""
    config = load_study(find_study(study), overrides)
    with storage() as (registry, _):
        registry.check(config)
        known = config.name in registry.names()
    measured = _rehearsed(site, config, workers) if measure else None
    pictures = count_pictures(Path(config.data.source), config.data)
    console.print(space_table(config))
    told = lines(config, workers=workers, pictures=pictures, measured=measured)
    told.append(
        f"submit would go on with study {config.name}"
        if known
        else f"submit would create study {config.name}"
    )
    for line in told:
        console.print(line, soft_wrap=True)


def _rehearsed(site: Site, config: StudyConfig, workers: int) -> Rehearsal:
    """With the share of the cores that a trial has beside the others."""
    resources = config.resources
    threads = resources.cpu_threads or shares.threads(workers=workers, slots=resources.known_slots)
    with written(config) as file:
        return read_rehearsal(
            site.program.call(["rehearse", str(file)], {"HPO_THREADS": str(threads)})
        )
