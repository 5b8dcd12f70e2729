"""The last part of a step: the best model of a study that is done, and a person's orders to promote
or to go back.

Pure functions, as decide.py. What was promoted once is not promoted again by itself, so a person's
choice and a rollback last.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.cluster.jobs import measure_purpose
from coordinator.cluster.records import Answer, Request, Status
from coordinator.cluster.service.actions import (
    Action,
    BeginRollback,
    DeleteJob,
    Measure,
    Publish,
    Rollback,
    Use,
)
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.seen import Promotion, Seen


@dataclass(frozen=True)
class Ordered:
    """How far an order is."""

    actions: tuple[Action, ...] = ()
    answer: Answer | None = None


def promote_best(seen: Seen) -> Decision:
    """Of a study that is done. A person's order goes first; it is the same Job."""
    promotion = seen.promotion
    if open_order(seen.request, seen.previous) == "promote":
        return Decision("promoting", reason="as ordered")
    if promotion.error:
        return Decision("failed", reason=promotion.error)
    if promotion.version is None:
        return _measure(seen, promotion, since=seen.request.retry)
    if not promotion.recorded:
        return Decision("promoting", (Use(promotion.version, again=False),))
    return Decision("done")


def answer_order(seen: Seen) -> Ordered:
    """What is to be done for the request's order, and its answer once it is done."""
    request = seen.request
    order = open_order(request, seen.previous)
    if not order:
        return Ordered()
    if seen.refusal or seen.progress is None:
        why = seen.refusal or f"study {seen.name!r} has not begun, so it has nothing to promote"
        return Ordered(answer=Answer(revision=request.revision, error=why))
    if order == "rollback":
        return _roll_back(seen)
    promotion = seen.promotion
    if promotion.error:
        return Ordered(answer=Answer(revision=request.revision, error=promotion.error))
    if promotion.version is None:
        found = _measure(seen, promotion, since=request.revision)
        if found.phase == "failed":
            return Ordered(answer=Answer(revision=request.revision, error=found.reason))
        return Ordered(found.actions)
    if not promotion.recorded or promotion.in_use != promotion.version:
        return Ordered((Use(promotion.version, again=True),))
    return Ordered(answer=Answer(revision=request.revision))


def _roll_back(seen: Seen) -> Ordered:
    """Its beginning is noted first: going back twice would go back too far."""
    revision, in_use = seen.request.revision, seen.promotion.in_use
    if in_use is None:
        error = f"nothing of study {seen.name!r} is promoted, so there is nothing to roll back"
        return Ordered(answer=Answer(revision=revision, error=error))
    if seen.rollback is None or seen.rollback[0] != revision:
        return Ordered((BeginRollback(in_use),))
    if seen.rollback[1] == in_use:
        return Ordered((Rollback(),))
    return Ordered(answer=Answer(revision=revision))


def _measure(seen: Seen, promotion: Promotion, *, since: int) -> Decision:
    """Measures the candidates, then publishes. since: revision before which a failure does not
    count."""
    job, candidates = seen.jobs.get("measure"), promotion.candidates
    if promotion.measured and job is not None and job.outcome == "complete":
        return Decision("promoting", (Publish(candidates),))
    if job is None:
        return Decision("promoting", (Measure(candidates),))
    if job.deleting:
        return Decision("promoting", reason="the measurement before is being cleared away")
    if job.made_for != measure_purpose(candidates) or job.outcome == "complete":
        stale = DeleteJob("measure", job.uid, "other trials are to be measured")
        return Decision("promoting", (stale,))
    if job.outcome == "failed":
        if job.revision < since:
            return Decision("promoting", (DeleteJob("measure", job.uid, "it is tried again"),))
        said = seen.last_words("measure") or job.message
        return Decision("failed", reason=f"the best trials cannot be measured: {said}")
    return Decision("promoting", reason=seen.waiting or f"measuring trials {_listed(candidates)}")


def open_order(request: Request, previous: Status | None) -> str:
    """The verb of an order that has no answer yet; empty where there is none."""
    answer = None if previous is None else previous.answer
    if request.order is None or (answer is not None and answer.revision == request.revision):
        return ""
    return request.order.verb


def _listed(candidates: tuple[int, ...]) -> str:
    return ", ".join(map(str, candidates))
