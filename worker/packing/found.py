"""How many trials at once are best for a study on this device: as it is kept, else by measuring.

Two workers of a kind never measure at the same time; the second finds what the first has kept.
Never imports torch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.metadata import version

from study.config.constraints import MOST_SLOTS
from study.config.identity import identity
from study.errors import HpoError
from study.lock import locked
from worker.messages import Device, Standby
from worker.packing.decision import Figures, decide
from worker.packing.outcome import Outcome, SharedKind, keep, read
from worker.packing.together import describe, rehearse

log = logging.getLogger(__name__)


def find(standby: Standby, *, sharing: str, turned: Callable[[], None]) -> int:
    """How many. `standby` has the threads of all at once; `turned` is called while it waits. One,
    with the reason in the log, where the device cannot be asked. Raises OSError."""
    try:
        device = describe(standby, turned)
    except HpoError as error:
        log.warning("packing: 1 at once: the device cannot be asked: %s", error)
        return 1
    kind = _kind(standby, device, sharing)
    file = standby.artifacts.packing(kind.name)
    with locked(standby.artifacts.packing_lock(kind.name), turned):
        outcome, where = read(file, kind), f"from {file.name}"
        if outcome is None:
            outcome, where = _measured(kind, standby, device, turned), "measured"
            if any(not figures.failure for figures in outcome.measured):
                keep(file, outcome)
    log.info("packing: %d at once, %s: %s", outcome.slots, where, outcome.reason)
    return outcome.slots


def _kind(standby: Standby, device: Device, sharing: str) -> SharedKind:
    return SharedKind(
        study=identity(standby.config),
        device=device.name,
        sharing=sharing,
        threads=standby.threads,
        torch=version("torch"),
    )


def _measured(
    kind: SharedKind, standby: Standby, device: Device, turned: Callable[[], None]
) -> Outcome:
    """One after the other; every figure is logged."""
    most = MOST_SLOTS if device.gpu else min(MOST_SLOTS, standby.threads)
    measured: list[Figures] = []
    while (decision := decide(measured, most=most)).reason is None:
        measured.append(rehearse(standby, len(measured) + 1, turned))
        log.info("packing: %s", measured[-1])
    return Outcome(
        kind=kind, slots=decision.slots, reason=decision.reason, measured=tuple(measured)
    )
