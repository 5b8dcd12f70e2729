"""Looks at one study: what the mirrors have of it, its row in the database, what is on the volumes.

Reads the mirrors first: what they show is then never newer than what the database says. Knows
nothing of what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coordinator import promote
from coordinator.cluster.records import CONFIGURATION, Request, Status, name_of
from coordinator.cluster.service.promoting import open_order
from coordinator.cluster.service.seen import Promotion, Seen, SeenJob, SeenPod
from coordinator.cluster.service.sighting import result_of, see_job, see_pod
from coordinator.cluster.waiting import why_waiting
from coordinator.promoted import in_use, versions
from coordinator.publish import promoted_before, recorded_versions
from study import paths
from study.config.load import read_study
from study.config.records import StudyConfig
from study.errors import (
    CheckpointCorrupt,
    ConfigError,
    HpoError,
    StudyExists,
    StudyNotFound,
    one_line,
)
from study.mirror import fetch_missing, of_artifacts, of_data
from study.paths import METRICS, StudyPaths
from study.progress import Progress, observe
from study.promotion import read_promoted
from study.registry import Registry

LONGEST = 100_000  # characters of a configuration; one of a megabyte takes many seconds to read

Object = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is wanted of a study, from its request."""

    name: str
    request: Request
    config: StudyConfig


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What the coordinator wrote of it before."""

    status: Status | None
    rollback: tuple[int, int] | None
    """See Seen."""


def parse(name: str, request: Request, configuration: str) -> Asked:
    """Raises ConfigError for a configuration that breaks a rule, or is another study's."""
    if len(configuration) > LONGEST:
        raise ConfigError(f"study.yaml: must be at most {LONGEST:,} characters long")
    try:
        config = read_study(configuration.encode(), Path(CONFIGURATION))
    except ConfigError as error:
        raise ConfigError(one_line(str(error))) from None
    if config.name != name:
        raise ConfigError(
            f"study.yaml: name: must be {name!r} as in the request, got {config.name!r}"
        )
    return Asked(name=name, request=request, config=config)


def look(
    registry: Registry,
    asked: Asked,
    before: Remembered,
    *,
    jobs: Iterable[Object],
    pods: Iterable[Object],
    events: Iterable[Object],
    packing: str,
) -> Seen:
    """The study now. jobs, pods: of it; events: of all. Raises OperationalError in an outage of the
    database."""
    mine = list(pods)
    known = [see_pod(pod) for pod in mine]
    progress = _progress(registry, asked.name)
    return Seen(
        name=asked.name,
        request=asked.request,
        config=asked.config,
        refusal=_refusal(registry, asked.config, progress),
        previous=before.status,
        rollback=before.rollback,
        jobs=_by_role(jobs, asked.name),
        pods=known,
        progress=progress,
        packed=_packed(known, progress),
        promotion=_promotion(registry, asked.request, before.status, progress),
        waiting=_waiting(asked.name, mine, events),
        packing=packing,
    )


def _progress(registry: Registry, name: str) -> Progress | None:
    try:
        return observe(registry, registry.find(name))
    except StudyNotFound:
        return None


def _refusal(registry: Registry, config: StudyConfig, progress: Progress | None) -> str:
    if progress is None or progress.study.config == config:
        return ""
    try:
        registry.check(config)
    except StudyExists as error:
        return one_line(str(error))
    return ""


def _by_role(jobs: Iterable[Object], study: str) -> dict[str, SeenJob]:
    """Those we made: what else has their labels has another name."""
    named = {job["metadata"]["name"]: job for job in jobs}
    names = {role: name_of(role, study) for role in ("prepare", "worker", "measure")}
    return {role: see_job(named[name]) for role, name in names.items() if name in named}


def _packed(pods: Iterable[SeenPod], progress: Progress | None) -> set[str]:
    """Those on the volume; without one, of those that are spoken of the ones in the object store,
    whose manifests are then here."""
    made = result_of([pod for pod in pods if pod.role == "prepare"]).get("store")
    for store in (made, progress and progress.study.store):
        if store:
            fetch_missing(of_data(), paths.data().store(str(store)) / paths.MANIFEST)
    return {store.parent.name for store in paths.data().root.glob(f"stores/*/{paths.MANIFEST}")}


def _waiting(study: str, pods: Iterable[Object], events: Iterable[Object]) -> str:
    """Why pods of the study's Jobs do not start. Workers that have been told to leave wait for
    nothing."""
    staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    names = {pod["metadata"]["name"] for pod in staying}
    jobs = {f"{role}-{study}" for role in ("prepare", "worker", "measure")}
    about = [event for event in events if event["involvedObject"].get("name") in names | jobs]
    return why_waiting(staying, about, [])


def _promotion(
    registry: Registry, request: Request, previous: Status | None, progress: Progress | None
) -> Promotion:
    """What there is to promote, where that is asked for or due."""
    if progress is None:
        return Promotion()
    study, place = progress.study, paths.artifacts(progress.study.name)
    using = in_use(place)
    order = request.order if open_order(request, previous) == "promote" else None
    if order is None and not progress.done:
        return Promotion(in_use=using)
    try:
        chosen = promote.candidates(registry, study, order.trial if order else None)
    except HpoError as error:
        return Promotion(error=one_line(str(error)), in_use=using)
    measured = place.unpublished(chosen) / METRICS
    fetch_missing(of_artifacts(), measured)
    # a person who asks again wants it checked; by itself a choice is made once
    version = promoted_before(place, chosen) if order else _made_before(place, chosen)
    return Promotion(
        candidates=tuple(chosen),
        version=version,
        recorded=version is not None and version in recorded_versions(registry, study),
        measured=measured.exists(),
        in_use=using,
    )


def _made_before(place: StudyPaths, chosen: list[int]) -> int | None:
    """The newest version that came from these candidates, whatever came after it."""
    for version in reversed(versions(place)):
        try:
            if list(read_promoted(place.version(version)).candidates) == chosen:
                return version
        except CheckpointCorrupt:
            continue
    return None
