"""What the laptop and the coordinator in the cluster say to each other, and under which names.

The laptop writes `request-<study>`, the coordinator `status-<study>`; each reads the other's. Both
are ConfigMaps, so that a person reads them with kubectl and RBAC guards them. Knows nothing of how
they are sent (api.py).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coordinator.snapshot import Snapshot
from study.errors import HpoError, one_line

STUDY = "hpo.study"  # label: which study an object belongs to
ROLE = "hpo.role"  # label: request, status, worker, prepare, measure, plan
REVISION = "hpo.revision"  # annotation of a Job: the request it was made for
WORKERS = "hpo.workers"  # annotation of a worker Job: how many were asked for
TRIAL = "hpo.trial"  # annotation of a worker's pod: what it trains
EPOCH = "hpo.epoch"  # annotation of a worker's pod: epochs its trial has ended
COMPONENT = "app.kubernetes.io/component"
LABELS = {"app.kubernetes.io/name": "hpo"}  # of everything
CONFIGURATION = "study.yaml"  # key of a request
REQUEST = "request.json"  # key of a request
STATUS = "status.json"  # key of a status

MOST_WORKERS = 100_000  # Kubernetes gives an Indexed Job no more

Phase = Literal["preparing", "running", "stopped", "promoting", "done", "failed", "refused"]


class Sent(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Order(Sent):
    """Something to do once, beside running the study."""

    verb: Literal["promote", "rollback"]
    trial: int | None = None
    """To promote: this one instead of the best."""


class Request(Sent):
    """What is wanted of a study."""

    revision: int
    """Higher by one with every change."""
    workers: int = Field(ge=1, le=MOST_WORKERS)
    stopped: bool = False
    retry: int = 0
    """Revision of the newest submit or resume: what failed before it is tried again."""
    order: Order | None = None
    """Given with this revision, done once; its answer carries the revision."""


class Answer(Sent):
    """What became of an order."""

    revision: int
    """Of the request that gave it."""
    text: str = ""
    """For the person, where it was done."""
    error: str = ""
    """Why it was not, in one line."""


class Status(Sent):
    """What the coordinator has made of it."""

    revision: int
    """Of the request acted on."""
    phase: Phase
    reason: str = ""
    """Why it waits, failed or was refused, in one line; empty where all is well."""
    written: str
    """ISO 8601, UTC."""
    snapshot: Snapshot | None = None
    """None before the study is in the database."""
    promoted: str = ""
    """The version in use, in words."""
    answer: Answer | None = None


def name_of(role: str, study: str) -> str:
    """The name of the object of a study: `worker-pokemon`."""
    return f"{role}-{study}"


def labels_of(role: str, study: str) -> dict[str, str]:
    """Of an object of a study."""
    return {**LABELS, STUDY: study, ROLE: role}


def request_map(study: str, request: Request, configuration: str) -> dict[str, Any]:
    """The ConfigMap that asks. configuration: the whole of it, as YAML."""
    data = {CONFIGURATION: configuration, REQUEST: request.model_dump_json()}
    return _map("request", study, data)


def status_map(study: str, status: Status) -> dict[str, Any]:
    """The ConfigMap that answers."""
    return _map("status", study, {STATUS: status.model_dump_json()})


def read_request(found: dict[str, Any]) -> tuple[Request, str]:
    """Request and configuration of a ConfigMap. Raises HpoError for one that was tampered with."""
    data = found.get("data") or {}
    try:
        return Request.model_validate_json(data[REQUEST]), str(data[CONFIGURATION])
    except (KeyError, ValidationError) as error:
        raise HpoError(_broken(found, error)) from error


def read_status(found: dict[str, Any]) -> Status:
    """Raises HpoError for one that was tampered with, or of another release."""
    try:
        return Status.model_validate_json((found.get("data") or {})[STATUS])
    except (KeyError, ValidationError) as error:
        raise HpoError(_broken(found, error)) from error


def _map(role: str, study: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name_of(role, study), "labels": labels_of(role, study)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _broken(found: dict[str, Any], error: Exception) -> str:
    why = str(error)
    if isinstance(error, KeyError):
        why = f"it has no {error.args[0]}"
    elif isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        why = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    return f"ConfigMap {found['metadata']['name']} cannot be read: {one_line(why)}"
