"""What the coordinator has said of each study, and says of it now: the ConfigMaps
`status-<study>`.

Written when something has changed, and not too often. Knows nothing of how a study stands.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coordinator.cluster.api import Api
from coordinator.cluster.records import Status, name_of, read_status, status_map
from coordinator.cluster.refusals import Exists, NotFound
from coordinator.cluster.service.look import Remembered
from study.errors import HpoError

PERIOD = 2.0  # seconds between two writes where only numbers have changed
REFRESH = 60.0  # seconds after which a study that goes on is written again, so that it looks alive
GOING_ON = ("preparing", "running", "promoting")
ROLLBACK = "hpo.rollback"  # annotation: revision of the request, and the version it began at

Object = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass
class _Written:
    """What was written of a study, and when."""

    status: Status | None = None
    rollback: tuple[int, int] | None = None
    at: float = float("-inf")
    """Monotonic seconds."""


class Statuses:
    """Of all studies. Used by one thread."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._written: dict[str, _Written] = {}
        self.there: Collection[str] | None = None
        """Names of the ConfigMaps that are there, where that is known: one that somebody has
        deleted is written again."""

    def remembered(self, study: str) -> Remembered:
        """What was written last: by us, else by the coordinator before us."""
        written = self._written.get(study)
        if written is None:
            written = self._written[study] = self._recalled(study)
        return Remembered(status=written.status, rollback=written.rollback)

    def write(self, study: str, status: Status) -> None:
        """Writes it if it says something new, later if that can wait."""
        before = self._of(study)
        now = time.monotonic()
        if before.status is not None:
            same = _content(before.status) == _content(status)
            alive = status.phase not in GOING_ON or now < before.at + REFRESH
            lost = self.there is not None and name_of("status", study) not in self.there
            if same and alive and not (lost and now >= before.at + PERIOD):
                return
            urgent = _matter(before.status) != _matter(status)
            if not urgent and now < before.at + PERIOD:
                return
            if before.status.phase != status.phase:
                log.info("study %s: %s %s", study, status.phase, status.reason)
        self._put(study, status)
        before.status, before.at = status, now

    def begin_rollback(self, study: str, revision: int, version: int) -> None:
        """Notes it for good, before anything is done."""
        note = {"metadata": {"annotations": {ROLLBACK: f"{revision} {version}"}}}
        self._api.patch("configmaps", name_of("status", study), note)
        self._of(study).rollback = (revision, version)

    def keep(self, studies: Collection[str]) -> None:
        """Forgets all others: nobody asks for them any more, or another coordinator leads."""
        for study in [study for study in self._written if study not in studies]:
            del self._written[study]

    def _of(self, study: str) -> _Written:
        self.remembered(study)
        return self._written[study]

    def _recalled(self, study: str) -> _Written:
        """From the cluster itself: a mirror may be behind what the coordinator before us wrote."""
        try:
            found = self._api.get("configmaps", name_of("status", study))
        except NotFound:
            return _Written()
        note = (found["metadata"].get("annotations") or {}).get(ROLLBACK, "")
        return _Written(status=_status(found), rollback=_rollback(note))

    def _put(self, study: str, status: Status) -> None:
        new = status_map(study, status)
        try:
            self._api.patch("configmaps", new["metadata"]["name"], {"data": new["data"]})
        except NotFound:
            try:
                self._api.create("configmaps", new)
            except Exists:  # a creation whose answer was lost
                self._api.patch("configmaps", new["metadata"]["name"], {"data": new["data"]})


def now() -> str:
    """For Status.written."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _content(status: Status) -> Status:
    """Without the time."""
    return status.model_copy(update={"written": ""})


def _matter(status: Status) -> tuple[object, ...]:
    """What somebody waits for."""
    return status.revision, status.phase, status.answer


def _status(found: Object) -> Status | None:
    """None for one that cannot be read: it is written anew."""
    try:
        return read_status(found)
    except HpoError as error:
        log.warning("%s", error)
        return None


def _rollback(note: str) -> tuple[int, int] | None:
    revision, _, version = note.partition(" ")
    if not (revision.isdecimal() and version.isdecimal()):
        return None
    return int(revision), int(version)
