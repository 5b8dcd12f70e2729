"""Promotes a study's best model: the top few trials are measured again, the winner is written out
with everything needed to use it, and `latest` points at it.

Killed at any line, it leaves `latest` on a whole version, and the next call goes on. A version is
finished when the ledger has its row, which comes last. Knows nothing of how trials are measured.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from coordinator import worker_program
from coordinator.promoted import (
    PromotedManifest,
    describe_file,
    metrics,
    read_promoted,
    use,
    verify,
    versions,
)
from study import atomic, paths
from study.config.dump import dump
from study.config.fill import fill
from study.dataset import read_manifest
from study.errors import CheckpointCorrupt, HpoError, UsageError, one_line
from study.lock import locked
from study.paths import CLASSES, CONFIG, MANIFEST, NORMALIZATION, StudyPaths
from study.progress import ranking
from study.registry import RegisteredStudy, Registry
from study.statements import STATEMENTS

TOP = 3  # trials measured again: the best by the objective may have been lucky


def promote(
    registry: Registry,
    study: RegisteredStudy,
    *,
    trial: int | None = None,
    reuse: bool = False,
    command: Sequence[str] = worker_program.COMMAND,
) -> int:
    """Promotes the best trial, or `trial`; gives the version. Where the same candidates were
    promoted last, that version is kept.

    reuse: point `latest` at the version though it was rolled back. Raises HpoError where no trial
    is complete, UsageError for a `trial` that is not.
    """
    candidates = _candidates(registry, study, trial)
    place = paths.artifacts(study.name)
    with locked(place.promotion_lock):
        for unfinished in place.promoted.glob(".new-*"):
            shutil.rmtree(unfinished)
        version = _promoted_before(place, candidates)
        if version is None:
            version = _build(registry, study, place, candidates, command)
        recorded = version in _recorded(registry, study)
        if reuse or not recorded:
            use(place, version)
        if not recorded:
            _record(registry, study, place, version)
    return version


def _candidates(registry: Registry, study: RegisteredStudy, trial: int | None) -> list[int]:
    complete = [ranked.number for ranked in ranking(registry, study)]
    if not complete:
        raise HpoError(
            f"no trial of study {study.name!r} is complete, so there is none to promote"
            + _last_reason(registry, study)
        )
    if trial is None:
        return complete[:TOP]
    if trial not in complete:
        raise UsageError(
            f"trial {trial} of study {study.name!r} is not complete; "
            f"complete are, best first: {', '.join(map(str, complete))}"
        )
    return [trial]


def _last_reason(registry: Registry, study: RegisteredStudy) -> str:
    """Why the last trial that gave a reason ended."""
    for trial in reversed(registry.optuna_study(study).get_trials(deepcopy=False)):
        if reason := trial.user_attrs.get("reason"):
            return f"; trial {trial.number}: {one_line(str(reason))}"
    return ""


def _promoted_before(place: StudyPaths, candidates: list[int]) -> int | None:
    """The newest version, if it came from the same candidates and is whole."""
    newest = versions(place)[-1:]
    for version in newest:
        try:
            if list(read_promoted(place.version(version)).candidates) == candidates:
                verify(place.version(version))
                return version
        except CheckpointCorrupt:
            return None
    return None


def _build(
    registry: Registry,
    study: RegisteredStudy,
    place: StudyPaths,
    candidates: list[int],
    command: Sequence[str],
) -> int:
    """Measures, writes everything beside the other versions, and renames it into place."""
    version = max([0, *versions(place), *_recorded(registry, study)]) + 1
    work = Path(tempfile.mkdtemp(dir=place.promoted, prefix=".new-"))
    work.chmod(0o755)  # mkdtemp's 0700 would hide the model from other users of the volume
    result = worker_program.call(
        ["measure", "--trials", ",".join(map(str, candidates)), "--output", str(work)],
        worker_program.environment(registry.url, study.name),
        command=command,
    )
    _describe_model(registry, study, int(result["winner"]), work)
    manifest = PromotedManifest(
        study=study.name,
        version=version,
        trial=int(result["winner"]),
        candidates=tuple(candidates),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files={file.name: describe_file(file) for file in sorted(work.iterdir())},
    )
    atomic.write_text(work / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
    work.rename(place.version(version))
    atomic.sync_directory(place.promoted)
    return version


def _describe_model(registry: Registry, study: RegisteredStudy, number: int, work: Path) -> None:
    """Writes what it takes to rebuild the model and to feed it pictures."""
    trial = registry.optuna_study(study).get_trials(deepcopy=False)[number]
    config = fill(study.config, trial.params)
    data = read_manifest(paths.data().store(study.store))
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


def _recorded(registry: Registry, study: RegisteredStudy) -> set[int]:
    with registry.engine.connect() as connection:
        rows = connection.execute(STATEMENTS["promotions"], {"study_id": study.study_id})
        return {row.version for row in rows}


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
