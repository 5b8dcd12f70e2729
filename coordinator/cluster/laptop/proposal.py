"""What would be asked of the cluster, once everything that can be refused has been tried: nothing
is created here.

Knows nothing of what follows: asking (submission.py) or telling what it would cost (plan.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coordinator.cluster.api import Api, Object
from coordinator.cluster.jobs import prepare_job, worker_job
from coordinator.cluster.laptop.asked import Asked, find_status
from coordinator.cluster.laptop.deployed import await_coordinator
from coordinator.cluster.laptop.pictures import Pictures, local_pictures
from coordinator.cluster.laptop.quota import bound
from coordinator.cluster.laptop.upload import place_of
from coordinator.cluster.records import ROLE, STUDY
from coordinator.cluster.refusals import Exists, Forbidden, NotFound
from study.config.identity import differences
from study.config.records import StudyConfig
from study.errors import StudyExists, UsageError
from study.hub import is_hub


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A study that nothing was found against."""

    config: StudyConfig
    """With its pictures where the cluster has them."""
    workers: int
    before: Asked | None
    """What was asked of it until now."""
    pictures: Pictures | None
    """Those that have to be sent, unless they were before; None: the cluster has them."""
    notes: tuple[str, ...]
    jobs: tuple[Object, ...]
    """As the coordinator would make them."""


def propose(
    api: Api, config: StudyConfig, *, workers: int, moved: bool, before: Asked | None
) -> Proposal:
    """Checks everything. Raises UsageError with what would be refused.

    moved: data.source was named on the command line.
    """
    await_coordinator(api)
    if before is not None:
        _check_same(api, before, config)
    config, pictures, notes = _placed(config, before, moved=moved)
    templates = {name: template(api, name) for name in ("prepare", "worker")}
    jobs = (
        prepare_job(templates["prepare"], config.name, config.data, revision=1),
        _worker_job(templates["worker"], config, workers),
    )
    _check_room(api, jobs[-1], config.name, workers)
    for job in jobs:
        check(api, "jobs", job)
    return Proposal(
        config=config,
        workers=workers,
        before=before,
        pictures=pictures,
        notes=notes,
        jobs=jobs,
    )


def check_room(api: Api, config: StudyConfig, workers: int) -> None:
    """Raises UsageError where the namespace's quotas do not let so many workers run."""
    job = _worker_job(template(api, "worker"), config, workers)
    _check_room(api, job, config.name, workers)


def check(api: Api, resource: str, new: Object) -> None:
    """Lets the cluster check an object, admission included; it forgets it at once. Raises
    ClusterError."""
    try:
        api.create(resource, new, dry_run=True)
    except Exists:  # told after everything else was found right
        return


def template(api: Api, name: str) -> Object:
    """A PodTemplate of the deployment. Raises UsageError where there is none."""
    try:
        return api.get("podtemplates", name)
    except NotFound as error:
        raise UsageError(
            f"namespace {api.namespace} has no PodTemplate {name!r}: make deploy"
        ) from error
    except Forbidden as error:
        raise UsageError(
            f"{error}; of PodTemplates it is the deployment's role `user`: kubectl create "
            f"rolebinding NAME --role=user --user=... --namespace {api.namespace}"
        ) from error


def _worker_job(template: Object, config: StudyConfig, workers: int) -> Object:
    return worker_job(template, config.name, config.resources, workers=workers, revision=1)


def _check_same(api: Api, before: Asked, config: StudyConfig) -> None:
    """Raises StudyExists for another configuration, unless the old one never came to anything."""
    changes = differences(before.config(), config)
    if not changes:
        return
    status = find_status(api, config.name)
    if status is not None and status.snapshot is None and status.phase in ("failed", "refused"):
        return
    raise StudyExists(
        f"study {config.name!r} exists with another configuration ({'; '.join(changes)}); "
        f"go on with the old one by `make resume STUDY={config.name}`, or give this one "
        "another name with name=..."
    )


def _placed(
    config: StudyConfig, before: Asked | None, *, moved: bool
) -> tuple[StudyConfig, Pictures | None, tuple[str, ...]]:
    """The configuration with its pictures where the cluster has or will have them."""
    if is_hub(config.data.source):
        return config, None, ()
    source = Path(config.data.source)
    if source.exists():
        pictures = local_pictures(source, config.data.sha256)
        return _with_source(config, place_of(pictures)), pictures, ()
    if before is None or moved:
        note = f"pictures: {source} is not on this machine, so it is taken as a path in the cluster"
        return config, None, (note,)
    known = before.config().data.source
    note = f"pictures: {source} is not on this machine; the study keeps {known} in the cluster"
    return _with_source(config, known), None, (note,) if known != str(source) else ()


def _with_source(config: StudyConfig, source: str) -> StudyConfig:
    data = config.data.model_copy(update={"source": source})
    return config.model_copy(update={"data": data})


def _check_room(api: Api, job: Object, study: str, workers: int) -> None:
    present = api.list("pods", f"{STUDY}={study},{ROLE}=worker").items
    alive = [
        pod for pod in present if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]
    quotas = api.list("resourcequotas").items
    found = bound(quotas, job["spec"]["template"]["spec"], present=len(alive))
    if found is not None and found.workers < workers:
        raise UsageError(f"{workers} workers are too many: {found}; ask for no more with N=")


def moved_in(overrides: Sequence[str]) -> bool:
    """Whether the overrides say where the pictures are."""
    return any(override.partition("=")[0].strip() == "data.source" for override in overrides)
