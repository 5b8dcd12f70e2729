"""Attends to one study: looks, decides, acts, and writes down how it stands, until there is nothing
more to do now.

What goes wrong with the study becomes its status; outages of the database and the API server are
the caller's to bear. Knows nothing of when a study is attended to (service.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coordinator.cluster.records import Answer, Phase, Request, Status
from coordinator.cluster.refusals import ClusterError, is_cluster_outage
from coordinator.cluster.service.actions import (
    Action,
    BeginRollback,
    Publish,
    Register,
    Rollback,
    SetWorkers,
    StopTrials,
    Use,
)
from coordinator.cluster.service.carry_out import Hands
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.decision import Decision
from coordinator.cluster.service.look import Asked
from coordinator.cluster.service.portray import portray
from coordinator.cluster.service.promoting import open_order
from coordinator.cluster.service.seen import Seen
from coordinator.cluster.service.statuses import Statuses, now
from study.database import is_outage
from study.errors import HpoError, ObjectStoreAway, StudyExists, of_the_disk, one_line

STEPS = 6  # at a time, while each makes the next possible
OWN = (BeginRollback, Publish, Register, Rollback, SetWorkers, StopTrials, Use)
"""Actions whose effect the next look sees at once; those in the cluster come back as events."""

Object = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attendant:
    """For all studies of a database. Used by one thread."""

    statuses: Statuses
    hands: Hands
    look: Callable[[Asked], Seen]
    turned: Callable[[], None]
    """Called between actions: the process is alive."""

    def attend(self, asked: Asked) -> Phase:
        """Brings the study on as far as it goes; gives how it stands. Raises OperationalError and
        ClusterError in an outage."""
        try:
            for _ in range(STEPS):
                status, more = self._step(asked)
                self.statuses.write(asked.name, status)
                if not more:
                    break
            return status.phase
        except Exception as error:
            if is_outage(error) or isinstance(error, ClusterError):
                raise
            log.exception("study %s", asked.name)
            what = f"{type(error).__name__}: {error}"
            return self.tell(asked.name, asked.request, f"the coordinator's log has more: {what}")

    def refuse(self, study: str, request: Request, error: HpoError) -> Phase:
        """Of a request that cannot be read."""
        return self.tell(study, request, str(error), phase="refused")

    def tell(self, study: str, request: Request, why: str, *, phase: Phase | None = None) -> Phase:
        """Says why nothing goes on; the rest stays as it was. phase: as before where it is None."""
        before = self.statuses.remembered(study).status
        new = Status(
            revision=request.revision,
            phase=phase or ("preparing" if before is None else before.phase),
            reason=one_line(why),
            written=now(),
        )
        if before is not None:
            kept = {"snapshot": before.snapshot, "promoted": before.promoted}
            new = new.model_copy(update={**kept, "answer": before.answer})
        self.statuses.write(study, new)
        return new.phase

    def _step(self, asked: Asked) -> tuple[Status, bool]:
        """One look and what follows; whether another may follow at once."""
        seen = self.look(asked)
        decision = decide(seen)
        done: list[Action] = []
        for action in decision.actions:
            self.turned()
            try:
                self.hands.carry_out(action, seen)
            except (HpoError, OSError) as error:
                decision = _after(error, action, decision, seen)
                done.clear()
                break
            done.append(action)
        return portray(seen, decision), _may_go_on(done)


def _may_go_on(done: Sequence[Action]) -> bool:
    return any(isinstance(action, OWN) for action in done)


def _after(error: HpoError | OSError, action: Action, decision: Decision, seen: Seen) -> Decision:
    """How a study stands when an action could not be done. Raises the error where it is an
    outage."""
    if is_outage(error) or is_cluster_outage(error):
        raise error
    known = of_the_disk(error) if isinstance(error, OSError) else error
    if known is None:
        raise error
    log.warning("study %s: %s: %s", seen.name, action, known)
    if isinstance(known, StudyExists):
        return replace(decision, phase="refused", reason=str(known))
    # a right, a quota or a template that somebody may mend; a store that may answer again
    if isinstance(known, (ClusterError, ObjectStoreAway)):
        return replace(decision, reason=str(known))
    if isinstance(action, (Rollback, Publish, Use)) and open_order(seen.request, seen.previous):
        answer = Answer(revision=seen.request.revision, error=one_line(str(known)))
        return replace(decision, answer=answer)
    return replace(decision, phase="failed", reason=str(known))
