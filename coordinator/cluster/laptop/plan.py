"""Tells what submitting a study to the cluster would take: everything that could be refused is
tried, a trial is measured for a moment, and nothing stays.

Knows nothing of how an estimate is made (../estimate.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from coordinator.cluster.api import Api, Object
from coordinator.cluster.jobs import plan_job
from coordinator.cluster.laptop.asked import Asked, find
from coordinator.cluster.laptop.looking import looks
from coordinator.cluster.laptop.proposal import Proposal, check, moved_in, propose, template
from coordinator.cluster.records import (
    CONFIGURATION,
    ROLE,
    STUDY,
    Request,
    labels_of,
    name_of,
    request_map,
)
from coordinator.cluster.refusals import Exists
from coordinator.cluster.waiting import find_reason
from coordinator.estimate import Rehearsal, count_pictures, lines, read_rehearsal, space_table
from coordinator.worker_program import error_in
from study import exit_codes
from study.config.dump import dump
from study.config.load import find_study, load_study
from study.errors import HpoError, UsageError

PATIENCE = 300.0  # seconds for the pod that measures to begin: its image may have to be pulled
MEASURING = 120.0  # seconds from then to its result


def plan(
    api: Api,
    study: str,
    *,
    workers: int,
    overrides: Sequence[str],
    measure: bool,
    console: Console,
) -> None:
    """Shows space, trials, time and what would be created. Raises UsageError with what would be
    refused."""
    config = load_study(find_study(study), overrides)
    before = find(api, config.name)
    source = Path(config.data.source)
    pictures = count_pictures(source, config.data) if source.exists() else None
    moved = moved_in(overrides)
    proposal = propose(api, config, workers=workers, moved=moved, before=before)
    if before is None:
        request = Request(revision=1, retry=1, workers=workers)
        check(api, "configmaps", request_map(config.name, request, dump(proposal.config)))
    measured = _measured(api, proposal, console) if measure else None
    console.print(space_table(config))
    told = lines(config, workers=workers, pictures=pictures, measured=measured)
    for line in (*told, *proposal.notes, *_to_come(proposal, before)):
        console.print(line, soft_wrap=True)


def _to_come(proposal: Proposal, before: Asked | None) -> Iterator[str]:
    """What submit would change."""
    name, pictures = proposal.config.name, proposal.pictures
    yield "nothing was found against it: quota, and a server-side dry run of every object"
    if pictures is not None:
        size = f"{pictures.size / 2**20:,.1f} MiB"
        yield f"submit would send {pictures.path} ({size}), unless the cluster has it"
    if before is None:
        yield f"submit would create ConfigMap {name_of('request', name)}; the coordinator then"
    else:
        revision = before.request.revision
        yield f"submit would change ConfigMap {name_of('request', name)} (revision {revision});"
    jobs = ", ".join(job["metadata"]["name"] for job in proposal.jobs)
    pods = f"{proposal.workers} pod{'s' if proposal.workers > 1 else ''}"
    yield f"  Jobs {jobs} ({pods}), {name_of('measure', name)} where they are missing"


def _measured(api: Api, proposal: Proposal, console: Console) -> Rehearsal:
    """Runs one trial for a moment in a pod like a worker's."""
    config = proposal.config
    name = name_of("plan", config.name)
    configuration = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": labels_of("plan", config.name)},
        "data": {CONFIGURATION: dump(config)},
    }
    job = plan_job(
        template(api, "worker"),
        config.name,
        config.resources,
        ["rehearse", f"/etc/hpo/{CONFIGURATION}"],
        configuration=name,
    )
    with _there(api, "configmaps", configuration), _there(api, "jobs", job):
        console.print(f"measuring a trial in Job {name}", soft_wrap=True)
        return _result(api, config.name)


@contextmanager
def _there(api: Api, resource: str, new: Object) -> Iterator[None]:
    """An object for as long as the block lasts. Raises UsageError where somebody else plans."""
    name = new["metadata"]["name"]
    try:
        api.create(resource, new)
    except Exists as error:
        raise UsageError(
            f"{resource}/{name} is there already: somebody plans this study, or was killed over "
            f"it: kubectl delete --namespace {api.namespace} job,configmap {name}"
        ) from error
    try:
        yield
    finally:
        api.delete(resource, name)


def _result(api: Api, study: str) -> Rehearsal:
    """What the pod left when it ended. Raises UsageError or HpoError in its own words, or with what
    keeps it from starting."""
    selector = f"{STUDY}={study},{ROLE}=plan"
    reason = "its pod has not been made"
    for pods in looks(api, "pods", selector, seconds=PATIENCE + MEASURING):
        for pod in pods:
            for status in pod.get("status", {}).get("containerStatuses") or ():
                if ended := (status.get("state") or {}).get("terminated"):
                    return _read(ended)
        names = {pod["metadata"]["name"] for pod in pods} | {name_of("plan", study)}
        events = [
            event
            for event in api.list("events").items
            if event["involvedObject"].get("name") in names
        ]
        if found := find_reason(pods, events, ()):
            reason = found.text
            if found.settled:
                raise UsageError(f"no trial can be measured: {reason}; without: --no-measure")
    raise HpoError(f"no trial was measured in {PATIENCE + MEASURING:.0f} s: {reason}")


def _read(ended: Object) -> Rehearsal:
    said = str(ended.get("message") or "")
    if ended["exitCode"] == exit_codes.DONE:
        try:
            return read_rehearsal(json.loads(said))
        except ValueError as error:
            raise HpoError(f"the rehearsal cannot be read: {said!r}") from error
    kind = UsageError if ended["exitCode"] == exit_codes.USAGE else HpoError
    raise kind(error_in(said) or f"the measured trial ended with status {ended['exitCode']}")
