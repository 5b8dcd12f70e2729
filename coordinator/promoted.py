"""Promoted models on disk: which versions there are, and which one is in use.

Knows nothing of how a winner is found (promote.py) nor of the database.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from coordinator import mirrored
from study import atomic
from study.config.records import StudyConfig
from study.errors import CheckpointCorrupt, ObjectStoreAway, UsageError
from study.lock import locked
from study.paths import METRICS, StudyPaths
from study.promotion import PromotedManifest, read_promoted, verify

log = logging.getLogger(__name__)


def versions(paths: StudyPaths) -> list[int]:
    """Versions there are, whole or not, in order. Raises ObjectStoreAway."""
    mirrored.restore(paths)
    return sorted(int(found.name) for found in paths.promoted.glob("[0-9]*") if found.is_dir())


def in_use(paths: StudyPaths) -> int | None:
    """The version `latest` points at; None before the first promotion, and where the object store
    that would know does not answer."""
    try:
        mirrored.restore(paths)
    except ObjectStoreAway as error:
        log.warning("what is promoted is not known: %s", error)
    if not paths.latest.is_symlink():
        return None
    return int(paths.latest.readlink().name)


def use(paths: StudyPaths, version: int) -> None:
    """Points `latest` at a version; a reader finds the old one or the new one."""
    mirrored.keep_latest(paths, version)
    atomic.link(paths.latest, paths.version(version).name)


def rollback(paths: StudyPaths) -> PromotedManifest:
    """Points `latest` at the newest whole version before the one in use. Raises UsageError where
    there is none to go back to; `latest` then stays."""
    current = in_use(paths)
    if current is None:
        raise UsageError(f"{paths.promoted}: nothing is promoted, so there is nothing to roll back")
    with locked(paths.promotion_lock):
        damage = []
        for version in reversed([known for known in versions(paths) if known < current]):
            try:
                manifest = verify(paths.version(version))
            except CheckpointCorrupt as error:
                damage.append(str(error))
                continue
            use(paths, version)
            return manifest
    why = f": {'; '.join(damage)}" if damage else ""
    raise UsageError(f"there is no version before {current} to go back to{why}")


def metrics(directory: Path) -> dict[str, Any]:
    """What promotion measured: winner, validation (by trial number) and test."""
    measured: dict[str, Any] = json.loads((directory / METRICS).read_text())
    return measured


def describe(paths: StudyPaths, version: int, config: StudyConfig) -> str:
    """A version in two lines for a person."""
    metric = config.search.metric
    manifest = read_promoted(paths.version(version))
    measured = metrics(paths.version(version))
    validation = measured["validation"][str(manifest.trial)][metric]
    test = measured["test"]
    fold = f" (its middle fold of {config.folds})" if config.folds > 1 else ""
    held_out = "" if test is None else f", held-out test {metric} {test[metric]:.4f}"
    return (
        f"promoted: trial {manifest.trial} as version {version}: "
        f"validation {metric} {validation:.4f}{fold}{held_out}\n  {paths.latest}"
    )
