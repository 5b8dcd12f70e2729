"""What a place that runs workers must be able to do. One file beside this one per place.

Knows nothing of trials: when to start and stop whom is decided in ../reconcile.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class WorkerState:
    """A worker that was started, as the back end sees it now."""

    index: int
    """From 0; at most one living worker has it."""
    name: str
    """Of this start; the ledger's leases carry it."""
    alive: bool
    exit_status: int | None = None
    """As subprocess gives it (negative: ended by that signal). None: alive, or it went with its
    machine before anybody could see."""
    crashes: int = 0
    """Workers of this index that crashed in a row before this one was started."""


class Backend(Protocol):
    """Runs the workers of one study. Used by one thread; several processes may observe at once, and
    two that start the same index at once start one worker."""

    def observe(self) -> list[WorkerState]:
        """The newest worker of every index, in order; also those another process started."""

    def start(self, index: int, *, workers: int, crashes: int) -> None:
        """Starts worker `index` unless one lives; `workers` share this place. Returns at once:
        whether it worked is seen by the next `observe`."""

    def stop(self, index: int) -> None:
        """Asks the worker to checkpoint, release its trials and leave. Asked again, does nothing.
        Returns at once."""

    def kill(self, index: int) -> None:
        """Ends the worker and all its children now; their leases have to expire."""

    def last_lines(self, index: int, count: int) -> Sequence[str]:
        """The end of what worker `index` printed; empty when it never ran."""

    def forget(self) -> None:
        """Drops what is known of dead workers, so that their crashes no longer count."""
