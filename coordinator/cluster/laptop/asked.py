"""Requests and statuses of studies, as a laptop reads and changes them.

Knows nothing of what is asked for (submission.py) nor of how it is shown (shown.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coordinator.cluster.api import Api, Object
from coordinator.cluster.laptop.looking import looks
from coordinator.cluster.records import (
    CONFIGURATION,
    ROLE,
    STUDY,
    Request,
    Status,
    name_of,
    read_request,
    read_status,
    request_map,
)
from coordinator.cluster.refusals import Conflict, Exists, NotFound
from study.config.load import read_study
from study.config.records import StudyConfig
from study.errors import HpoError, StudyNotFound

TRIES = 10  # of a change while others change the same request


@dataclass(frozen=True)
class Asked:
    """What is wanted of a study."""

    request: Request
    configuration: str
    """The whole of it, as YAML."""

    def config(self) -> StudyConfig:
        """The configuration. Raises ConfigError."""
        return read_study(self.configuration.encode(), Path(CONFIGURATION))


def find(api: Api, study: str) -> Asked | None:
    """What is wanted of a study; None where nobody has asked for it."""
    found = _get(api, study)
    return None if found is None else Asked(*read_request(found))


def find_status(api: Api, study: str) -> Status | None:
    """What the coordinator has made of it; None before it has answered."""
    try:
        return read_status(api.get("configmaps", name_of("status", study)))
    except NotFound:
        return None


def must_find(api: Api, study: str) -> Asked:
    """The same. Raises StudyNotFound, naming those there are."""
    found = find(api, study)
    if found is None:
        raise not_found(study, api, names(api))
    return found


def not_found(study: str, api: Api, known: Sequence[str]) -> StudyNotFound:
    """The error that names the studies there are."""
    where, there = f"namespace {api.namespace}", ", ".join(known) or "none"
    return StudyNotFound(f"there is no study {study!r} in {where}; there are: {there}")


def names(api: Api) -> list[str]:
    """All studies somebody asked for."""
    found = api.list("configmaps", f"{ROLE}=request").items
    return sorted(item["metadata"]["labels"][STUDY] for item in found)


def statuses(api: Api, study: str, *, seconds: float = float("inf")) -> Iterator[Status | None]:
    """What the coordinator has made of it, now and after every change; see looks."""
    for found in looks(api, "configmaps", f"{STUDY}={study},{ROLE}=status", seconds=seconds):
        yield read_status(found[0]) if found else None


def change(api: Api, study: str, change_of: Callable[[Asked], Asked]) -> Asked:
    """Changes a request under the next revision; gives it as it is then. Raises StudyNotFound.

    Read again and repeated where somebody else was faster; `change_of` may then raise.
    """
    for _ in range(TRIES):
        found = _get(api, study)
        if found is None:
            raise not_found(study, api, names(api))
        new = change_of(Asked(*read_request(found)))
        patch = request_map(study, new.request, new.configuration)
        patch["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        try:
            api.patch("configmaps", name_of("request", study), patch)
        except (Conflict, NotFound):
            continue
        return new
    raise HpoError(f"the request of study {study!r} keeps being changed by others; try again")


def ask(api: Api, study: str, first: Asked, change_of: Callable[[Asked], Asked]) -> Asked:
    """Writes the first request for a study, or changes the one there is."""
    if _get(api, study) is not None:
        return change(api, study, change_of)
    try:
        api.create("configmaps", request_map(study, first.request, first.configuration))
    except Exists:  # somebody was faster, or it was us and the answer was lost
        return change(api, study, change_of)
    return first


def next_request(request: Request, **changes: Any) -> Request:
    """With the next revision. An order is of its own revision alone."""
    return request.model_copy(update={"order": None, **changes, "revision": request.revision + 1})


def _get(api: Api, study: str) -> Object | None:
    try:
        return api.get("configmaps", name_of("request", study))
    except NotFound:
        return None
