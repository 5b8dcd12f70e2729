"""Publishes a measured winner as a version: a directory with everything needed to use the model,
renamed into place, then `latest`, then the ledger's row.

Killed at any line, it leaves `latest` on a whole version, and the next call goes on. A version is
finished when the ledger has its row, which comes last. Knows nothing of how trials are measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from coordinator import mirrored
from coordinator.promoted import metrics, use, versions
from study import atomic, paths
from study.config.dump import dump
from study.config.fill import fill
from study.dataset import read_manifest
from study.errors import CheckpointCorrupt
from study.mirror import fetch_missing, of_data
from study.paths import CLASSES, CONFIG, HISTORY, MANIFEST, NORMALIZATION, StudyPaths
from study.promotion import PromotedManifest, describe_file, read_promoted, verify
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS


def promoted_before(place: StudyPaths, candidates: Sequence[int]) -> int | None:
    """The newest version, if it came from the same candidates and is whole."""
    newest = versions(place)[-1:]
    for version in newest:
        try:
            if list(read_promoted(place.version(version)).candidates) == list(candidates):
                verify(place.version(version))
                return version
        except CheckpointCorrupt:
            return None
    return None


def publish(
    registry: Registry, study: RegisteredStudy, candidates: Sequence[int], work: Path
) -> int:
    """Makes a version of what `hpo-worker measure` left in `work`, which is beside the versions."""
    place = paths.artifacts(study.name)
    mirrored.fetch_measured(work)
    version = max([0, *versions(place), *recorded_versions(registry, study)]) + 1
    winner = int(metrics(work)["winner"])
    _describe_model(registry, study, winner, work)
    manifest = PromotedManifest(
        study=study.name,
        version=version,
        trial=winner,
        store=study.store,
        candidates=tuple(candidates),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files={
            file.name: describe_file(file)
            for file in sorted(work.iterdir())
            if file.name != MANIFEST  # of a publication that was killed
        },
    )
    atomic.write_text(work / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    work.rename(place.version(version))
    atomic.sync_directory(place.promoted)
    return version


def put_in_use(
    registry: Registry, study: RegisteredStudy, version: int, *, reuse: bool = False
) -> None:
    """Points `latest` at a version and records it.

    reuse: also where the version was recorded before, and may have been rolled back since.
    """
    place = paths.artifacts(study.name)
    recorded = version in recorded_versions(registry, study)
    if reuse or not recorded:
        mirrored.keep(place, version)
        use(place, version)
    if not recorded:
        _record(registry, study, place, version)


def recorded_versions(registry: Registry, study: RegisteredStudy) -> set[int]:
    """Versions the database knows: those that were put in use."""
    with registry.engine.connect() as connection:
        rows = connection.execute(STATEMENTS["promotions"], {"study_id": study.study_id})
        return {row.version for row in rows}


def _describe_model(registry: Registry, study: RegisteredStudy, number: int, work: Path) -> None:
    """Writes what it takes to rebuild the model and to feed it pictures, and how it was trained."""
    trial = registry.optuna_study(study).get_trials(deepcopy=False)[number]
    config = fill(study.config, trial.params)
    atomic.write_json(work / HISTORY, _history(registry, study, number))
    store = paths.data().store(study.store)
    fetch_missing(of_data(), store / MANIFEST)
    data = read_manifest(store)
    atomic.write_text(work / CONFIG, dump(config))
    atomic.write_json(work / CLASSES, data.classes)
    atomic.write_json(
        work / NORMALIZATION,
        {
            "mean": data.mean,
            "std": data.std,
            "image_size": config.data.image_size,
            "channels": config.data.channels,
        },
    )


def _history(registry: Registry, study: RegisteredStudy, number: int) -> list[dict[str, Any]]:
    """What a trial reported after each of its epochs, in order."""
    key = {"study_id": study.study_id, "number": number}
    with registry.engine.connect() as connection:
        rows = connection.execute(STATEMENTS["history"], key)
        return [{"epoch": row.epoch, "metrics": row.metrics} for row in rows]


def _record(registry: Registry, study: RegisteredStudy, place: StudyPaths, version: int) -> None:
    directory = place.version(version)
    with registry.engine.begin() as tx:
        tx.execute(
            STATEMENTS["promote"],
            {
                "study_id": study.study_id,
                "version": version,
                "number": read_promoted(directory).trial,
                "metrics": json.dumps(metrics(directory)),
            },
        )
