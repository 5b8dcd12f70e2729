"""A trial ended badly: what now? One policy for each class of failure.

    out of memory   beside other trials: given back, and fewer are trained at once from now on;
                    alone: again in smaller parts, as often as the study allows; then infeasible
    diverged        pruned with its reason, so that the sampler stays away
    infeasible      the same
    bad data        no trial can train, as without the weights they begin from: the worker leaves
                    with a clear error
    broken device   the worker leaves, the trial is adopted elsewhere
    object store    out of reach for longer than it is waited for: adopted, from its last copy
    crashed         the process died without a word: adopted, up to the study's attempts; killed by
                    SIGKILL beside other trials it counts as out of memory
    bug             failed, the traceback kept with the trial

Preemption is not here: a stopped trial has not failed.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

from study import exit_codes
from study.lease import Lease, Outcome
from worker.messages import Failed

TRACEBACK_CHARACTERS = 2000  # the end of it says most


@dataclass(frozen=True, kw_only=True)
class End:
    """The trial is over."""

    outcome: Outcome
    attributes: dict[str, str | int | float]


@dataclass(frozen=True, kw_only=True)
class GiveBack:
    """The trial is to be adopted; the worker goes on, or leaves with an exit status."""

    lost: bool = False
    out_of_memory: bool = False
    crowded: bool = False
    """Its neighbours had the memory: the device has room for fewer."""
    leave: int | None = None
    reason: str


def policy(failed: Failed, lease: Lease, *, memory_retries: int, crowded: bool) -> End | GiveBack:
    """What follows from `failed`. crowded: other trials had a part of the device."""
    match failed.failure:
        case "OutOfMemory" if crowded:  # says nothing of the trial: it is charged no retry
            return GiveBack(crowded=True, reason=f"beside other trials: {failed.reason}")
        case "OutOfMemory" if lease.memory_retries < memory_retries:
            return GiveBack(out_of_memory=True, reason=failed.reason)
        case "OutOfMemory":
            reason = f"out of memory even in {2**memory_retries} parts: {failed.reason}"
            return End(outcome=Outcome.INFEASIBLE, attributes={"reason": reason})
        case "Diverged":
            return End(outcome=Outcome.DIVERGED, attributes={"reason": failed.reason})
        case "Infeasible":
            return End(outcome=Outcome.INFEASIBLE, attributes={"reason": failed.reason})
        case "BadData":
            return GiveBack(leave=exit_codes.USAGE, reason=failed.reason)
        case "BrokenDevice":
            return GiveBack(leave=exit_codes.BROKEN_DEVICE, reason=failed.reason)
        case "ObjectStoreAway":
            return GiveBack(reason=failed.reason)
        case _:
            return End(
                outcome=Outcome.FAILED,
                attributes={
                    "reason": failed.reason,
                    "traceback": failed.traceback[-TRACEBACK_CHARACTERS:],
                },
            )


def crashed(status: int | None, *, crowded: bool) -> GiveBack:
    """The policy for a process that ended without a word, with this exit status."""
    if status is not None and status < 0:
        how = f"was killed by {signal.Signals(-status).name}"
        if -status == signal.SIGKILL:
            how += " (the machine may be out of memory)"
            if crowded:
                return GiveBack(crowded=True, reason=f"beside other trials its process {how}")
    else:
        how = f"ended with status {status}"
    return GiveBack(lost=True, reason=f"the trial's process {how}")
