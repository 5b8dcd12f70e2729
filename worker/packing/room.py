"""How many trials a worker trains at once on its device, and what each has of it.

Begins with what the study says or what was measured, and becomes less where memory runs out. Knows
nothing of trials and processes.
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class Room:
    """For at least one trial. Changed by the supervisor's thread, read by any."""

    def __init__(self, slots: int, *, threads: int, divided: bool) -> None:
        """`slots` trials at once. threads: of the CPU, for each, or where they are `divided` for
        all of them."""
        self.slots = slots
        self._threads = threads
        self._divided = divided

    @property
    def threads(self) -> int:
        """CPU threads of one trial that begins now."""
        return max(1, self._threads // self.slots) if self._divided else self._threads

    @property
    def share(self) -> float:
        """The part of the device that one trial has."""
        return 1.0 / self.slots

    def shrink(self, number: int) -> None:
        """By one: the trial of that number found too little memory beside others."""
        if self.slots == 1:
            return  # the others began when there was more room
        self.slots -= 1
        log.warning(
            "packing: at most %d at once from now on: trial %d had too little memory beside others",
            self.slots,
            number,
        )
