"""Makes room for several trials on a worker's device before the first of them is claimed.

Knows nothing of trials: those that run are counted by the supervisor.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from study import exit_codes
from worker.messages import Standby
from worker.packing.found import find
from worker.packing.room import Room
from worker.packing.sharing import shared


@contextmanager
def arranged(standby: Standby, turned: Callable[[], None]) -> Iterator[Room]:
    """The room, for as long as the block lasts. `standby` has the threads of one trial, or where
    the number is to be found those of all; `turned` is called while it is measured.

    Before the first process is started: it inherits how the device is shared. SIGTERM ends the
    block until the supervisor takes it over.
    """
    slots, threads = standby.config.resources.slots_per_device, standby.threads
    divided = slots == "auto"
    if slots == 1:
        yield Room(1, threads=threads, divided=divided)
        return
    signal.signal(signal.SIGTERM, _leave)  # else what was started here would stay
    with shared(standby.device) as sharing:
        if sharing == "exclusive":
            slots = 1
        elif slots == "auto":
            slots = find(standby, sharing=sharing, turned=turned)
        yield Room(slots, threads=threads, divided=divided)


def _leave(_number: int, _frame: object) -> None:
    sys.exit(exit_codes.PREEMPTED)
