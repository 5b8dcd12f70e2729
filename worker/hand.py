"""The trials a worker has in hand: which of them are on its device, and since when it is idle.

Knows nothing of why trials come and go (see supervisor.py).
"""

from __future__ import annotations

from collections.abc import Collection

from worker.slot import Slot, Vacated
from worker.trial_processes import TrialProcess


class Hand:
    """Empty at first. Use from the main thread."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.idle_since: float | None = None
        """When the last trial on the device did its last step, monotonic seconds; None: nothing is
        known of it, or another trial has come since."""

    @property
    def on_device(self) -> list[Slot]:
        """Those of trials that have not left it."""
        return [slot for slot in self.slots if slot.trained is None]

    @property
    def processes(self) -> list[TrialProcess]:
        """Of all trials."""
        return [slot.process for slot in self.slots]

    @property
    def told(self) -> dict[int, float]:
        """Values of trials that have left the device and are about to end, by id."""
        return {slot.lease.trial_id: slot.trained.value for slot in self.slots if slot.trained}

    def take(self, slot: Slot) -> None:
        """Another trial is on the device."""
        self.slots.append(slot)
        self.idle_since = None
        if len(self.on_device) > 1:
            for each in self.on_device:
                each.crowded = True

    def ready(self, pipes: Collection[object]) -> list[Slot]:
        """Those whose trials have said something: `pipes` can be read."""
        return [slot for slot in self.slots if slot.process.pipe in pipes]

    def attend(self, slot: Slot) -> Vacated | None:
        """Takes the next thing the slot's trial says; gives None while it stays in hand."""
        on_device = slot.trained is None
        vacated = slot.attend()
        if on_device and slot.trained is not None:
            self.idle_since = slot.trained.last_step_at
        return vacated

    def drop(self, slot: Slot, vacated: Vacated) -> None:
        """The slot is free again."""
        self.slots.remove(slot)
        if slot.trained is None:
            self.idle_since = vacated.last_step_at
