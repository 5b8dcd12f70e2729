"""How a laptop waits for what it asked: until the request is taken up, an order is answered, a
study has ended, its workers have left. Every wait says what it waits for and has an end, but for
following, which is a person's.

Knows nothing of what was asked.
"""

from __future__ import annotations

from rich.console import Console

from coordinator.cluster.api import Api, Object
from coordinator.cluster.laptop.asked import statuses
from coordinator.cluster.laptop.deployed import why_not_ready
from coordinator.cluster.laptop.looking import looks
from coordinator.cluster.records import ROLE, STUDY, Answer, Status
from coordinator.watch import view
from study import exit_codes
from study.errors import HpoError, UsageError

TAKING_UP = 30.0  # seconds for the coordinator to take up a request
LEAVING = 90.0  # seconds for workers to checkpoint and leave; longer than their pods' grace
GONE = ("Succeeded", "Failed")  # phases of a pod that has ended


def await_taken_up(api: Api, study: str, revision: int) -> Status:
    """The first status of that request. Raises UsageError where it is refused, HpoError where
    nothing comes, with what keeps the coordinator from answering."""
    for status in statuses(api, study, seconds=TAKING_UP):
        if status is not None and status.revision >= revision:
            if status.phase == "refused":
                raise UsageError(status.reason)
            return status
    why = why_not_ready(api) or "see kubectl logs deploy/coordinator"
    raise HpoError(
        f"the request is written, but the coordinator has not answered in {TAKING_UP:.0f} s: {why};"
        f" it will act on it as soon as it can: make status STUDY={study}"
    )


def await_answer(api: Api, study: str, revision: int) -> Answer:
    """What became of the order of that request, however long it takes. Raises HpoError."""
    await_taken_up(api, study, revision)
    for status in statuses(api, study):
        if status is None:
            break
        if status.answer is not None and status.answer.revision == revision:
            return status.answer
        if status.revision > revision:
            break
        if status.phase == "failed":
            raise HpoError(status.reason)
    raise HpoError(f"study {study!r}: another request came before the answer; ask again")


def await_stopped(api: Api, study: str, revision: int) -> list[str]:
    """Waits until the workers have left; gives the pods of those that have not in time."""
    await_taken_up(api, study, revision)
    alive: list[str] = []
    for pods in looks(api, "pods", f"{STUDY}={study},{ROLE}=worker", seconds=LEAVING):
        alive = sorted(pod["metadata"]["name"] for pod in pods if _is_alive(pod))
        if not alive:
            break
    return alive


def follow(api: Api, study: str, revision: int, console: Console) -> int:
    """Shows the study until it ends; gives its exit status. Raises UsageError where it was refused,
    HpoError where it failed. Ctrl-C ends the following alone."""
    with view(console) as shown:
        try:
            for status in statuses(api, study):
                if status is None or status.revision < revision:
                    continue
                if status.snapshot is not None:
                    shown.show(status.snapshot)
                if status.phase in ("done", "stopped", "failed", "refused"):
                    break
                shown.note(status.reason or f"{study}: {status.phase}")
        except KeyboardInterrupt:
            shown.note(f"study {study} goes on by itself; look again: make status STUDY={study}")
            return exit_codes.INTERRUPTED
    return _end(study, status, console)


def _end(study: str, status: Status | None, console: Console) -> int:
    assert status is not None
    if status.phase == "refused":
        raise UsageError(status.reason)
    if status.phase == "failed":
        raise HpoError(status.reason)
    if status.phase == "stopped":
        console.print(f"study {study} was stopped; go on with: make resume STUDY={study}")
        return exit_codes.PREEMPTED
    console.print(status.promoted, soft_wrap=True)
    return exit_codes.DONE


def _is_alive(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") not in GONE
