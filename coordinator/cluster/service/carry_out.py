"""Does what was decided for a study: calls on the cluster, the database and the volumes.

Every action may be repeated after a kill. One that finds its work done by somebody else is content.
Knows nothing of why.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.jobs import measure_job, prepare_job, scale_patch, worker_job
from coordinator.cluster.records import EPOCH, TRIAL, name_of
from coordinator.cluster.refusals import Conflict, Exists, NotFound
from coordinator.cluster.service.actions import (
    Action,
    Annotate,
    BeginRollback,
    DeleteJob,
    Employ,
    Expire,
    Measure,
    Prepare,
    Publish,
    Register,
    Rollback,
    Scale,
    SetWorkers,
    StopTrials,
    Use,
)
from coordinator.cluster.service.seen import Seen
from coordinator.promote import fresh_work, measure_arguments
from coordinator.promoted import rollback
from coordinator.publish import publish, put_in_use
from study import paths
from study.ledger import Ledger
from study.registry import Registry

Object = dict[str, Any]

NOTE_PERIOD = 5.0  # seconds between two notes on a pod

log = logging.getLogger(__name__)


class Hands:
    """For all studies of a database. Used by one thread."""

    def __init__(
        self, api: Api, registry: Registry, begin_rollback: Callable[[str, int, int], None]
    ) -> None:
        """begin_rollback: notes study, revision of the request and version, for good."""
        self._api = api
        self._registry = registry
        self._begin_rollback = begin_rollback
        self._noted: dict[str, float] = {}  # by pod, monotonic seconds

    def carry_out(self, action: Action, seen: Seen) -> None:
        """Does it; a note on a pod may be left for a later time. Raises HpoError, StudyExists for a
        study that cannot be registered, and in an outage ClusterError and OperationalError."""
        log.log(
            logging.DEBUG if isinstance(action, Annotate) else logging.INFO,
            "study %s: %s",
            seen.name,
            action,
        )
        match action:
            case Annotate() | DeleteJob() | Employ() | Measure() | Prepare() | Scale():
                self._in_cluster(action, seen)
            case Expire() | Register() | SetWorkers() | StopTrials():
                self._in_database(action, seen)
            case BeginRollback() | Publish() | Rollback() | Use():
                self._on_volumes(action, seen)

    def _in_cluster(
        self,
        action: Annotate | DeleteJob | Employ | Measure | Prepare | Scale,
        seen: Seen,
    ) -> None:
        study, revision = seen.name, seen.request.revision
        match action:
            case Annotate():
                self._annotate(action)
            case DeleteJob(role, uid, _):
                self._delete(name_of(role, study), uid)
            case Prepare():
                template = self._template("prepare")
                self._create(prepare_job(template, study, seen.config.data, revision=revision))
            case Employ(workers):
                resources = seen.config.resources
                template = self._template("worker")
                job = worker_job(template, study, resources, workers=workers, revision=revision)
                self._create(job)
            case Scale(workers):
                self._patch("jobs", name_of("worker", study), scale_patch(workers))
            case Measure(candidates):
                self._measure(seen, candidates)

    def _in_database(self, action: Expire | Register | SetWorkers | StopTrials, seen: Seen) -> None:
        match action:
            case Expire(worker, was_seen):
                if was_seen or not self._exists("pods", worker):
                    assert seen.progress is not None
                    study_id = seen.progress.study.study_id
                    Ledger(self._registry.engine, study_id, "coordinator").expire(worker)
            case Register(store):
                self._registry.create(seen.config, store=store, workers=seen.request.workers)
            case SetWorkers(workers):
                self._registry.scale(seen.name, workers)
            case StopTrials():
                self._registry.stop(seen.name)

    def _on_volumes(self, action: BeginRollback | Publish | Rollback | Use, seen: Seen) -> None:
        assert seen.progress is not None
        study, place = seen.progress.study, paths.artifacts(seen.name)
        match action:
            case Publish(candidates):
                publish(self._registry, study, candidates, place.unpublished(candidates))
            case Use(version, again):
                put_in_use(self._registry, study, version, reuse=again)
            case BeginRollback(version):
                self._begin_rollback(seen.name, seen.request.revision, version)
            case Rollback():
                rollback(place)

    def _annotate(self, note: Annotate) -> None:
        now = time.monotonic()
        if now < self._noted.get(note.pod, float("-inf")) + NOTE_PERIOD:
            return
        self._noted = {pod: at for pod, at in self._noted.items() if now < at + NOTE_PERIOD}
        self._noted[note.pod] = now
        notes = {TRIAL: note.trial or None, EPOCH: note.epoch or None}
        self._patch("pods", note.pod, {"metadata": {"annotations": notes}})

    def _measure(self, seen: Seen, candidates: tuple[int, ...]) -> None:
        """Looks first: the folder must not be taken from a Job that fills it."""
        if self._exists("jobs", name_of("measure", seen.name)):
            return
        work = fresh_work(paths.artifacts(seen.name), candidates)
        template = self._template("worker")
        arguments = measure_arguments(candidates, work)
        resources, revision = seen.config.resources, seen.request.revision
        self._create(
            measure_job(template, seen.name, resources, candidates, arguments, revision=revision)
        )

    def _template(self, name: str) -> Object:
        try:
            return self._api.get("podtemplates", name)
        except NotFound as error:
            raise NotFound(f"the namespace has no PodTemplate {name!r}: make deploy") from error

    def _create(self, job: Object) -> None:
        try:
            self._api.create("jobs", job)
        except Exists:
            log.info("%s is there already", job["metadata"]["name"])

    def _delete(self, name: str, uid: str) -> None:
        try:
            self._api.delete("jobs", name, uid=uid)
        except Conflict:
            log.info("%s is another one by now", name)

    def _patch(self, resource: str, name: str, patch: Object) -> None:
        try:
            self._api.patch(resource, name, patch)
        except NotFound:
            log.info("%s/%s is gone", resource, name)

    def _exists(self, resource: str, name: str) -> bool:
        try:
            self._api.get(resource, name)
        except NotFound:
            return False
        return True
