"""Shows a running study: a live table on a terminal, else a plain line every few seconds.

Knows nothing of how the study is run; it is given a snapshot at every step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from coordinator.snapshot import Snapshot

PLAIN_PERIOD = 5.0  # seconds between two plain lines while no trial begins or ends
QUIET_PERIOD = 60.0  # seconds after which a line is said again although nothing is new
NO_STUDIES = "there are no studies yet: make submit STUDY=fashion"


class View(Protocol):
    """What the run loop tells the person."""

    def show(self, snapshot: Snapshot) -> None:
        """A new snapshot."""

    def note(self, text: str) -> None:
        """Something worth a line of its own; the same again says nothing."""


class LiveView:
    """A table that is drawn over."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._noted = ""

    def show(self, snapshot: Snapshot) -> None:
        """See View."""
        self._live.update(Group(Text(summary(snapshot)), workers_table(snapshot)))
        self._noted = ""

    def note(self, text: str) -> None:
        """See View."""
        if text != self._noted:
            self._live.console.print(text, highlight=False, markup=False)
        self._noted = text


class PlainView:
    """Lines, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: tuple[int, int] | None = None
        self._line = ""
        self._shown_at = float("-inf")  # monotonic seconds
        self._noted = ""

    def show(self, snapshot: Snapshot) -> None:
        """See View."""
        state, line = (snapshot.ended, snapshot.left), summary(snapshot)
        period = QUIET_PERIOD if line == self._line else PLAIN_PERIOD
        if state != self._shown or time.monotonic() >= self._shown_at + period:
            self._print(line)
            self._shown, self._line, self._shown_at = state, line, time.monotonic()
        self._noted = ""

    def note(self, text: str) -> None:
        """See View."""
        if text != self._noted:
            self._print(text)
        self._noted = text

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


@contextmanager
def view(console: Console) -> Iterator[View]:
    """The view that suits the console; the last table stays when it ends."""
    if not console.is_terminal:
        yield PlainView(console)
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield LiveView(live)


def summary(snapshot: Snapshot) -> str:
    """The study in one line."""
    ended = ", ".join(f"{count} {outcome}" for outcome, count in sorted(snapshot.outcomes.items()))
    released = len(snapshot.running) - len(snapshot.trained)
    starting = sum(worker.state == "starting" for worker in snapshot.workers)
    parts = [
        f"{snapshot.study}: {snapshot.ended}/{snapshot.trials} trials"
        + (f" ({ended})" if ended else ""),
        f"{len(snapshot.trained)} running{_epochs(snapshot)}",
        *([f"{released} to go on with"] if released else []),
        *([f"{snapshot.paused} paused"] if snapshot.paused else []),
        *(
            [f"{starting} workers starting" if starting > 1 else "a worker starting"]
            if starting
            else []
        ),
        f"{snapshot.left} to begin",
        *([f"ends early: {snapshot.concluded}"] if snapshot.concluded else []),
    ]
    if snapshot.best is not None:
        best = snapshot.best
        parts.append(f"best {snapshot.metric} {best.value:.4f} (trial {best.number})")
    if snapshot.images_per_second:
        parts.append(f"{snapshot.images_per_second:,.0f} images/s")
    if snapshot.seconds_left is not None and snapshot.state != "done":
        parts.append(f"about {duration(snapshot.seconds_left)} left")
    return " | ".join(parts)


def _epochs(snapshot: Snapshot) -> str:
    """How far the running trials are, from the slowest to the quickest; trials may take hours."""
    done = sorted(0 if trial.epoch is None else trial.epoch + 1 for trial in snapshot.trained)
    if not done:
        return ""
    span = f"{done[0]}" if done[0] == done[-1] else f"{done[0]} to {done[-1]}"
    return f" (epoch {span} of {snapshot.epochs})"


def workers_table(snapshot: Snapshot) -> Table:
    """A row for each worker and for each trial it trains."""
    table = Table("worker", "state", "trial", "epoch", snapshot.metric)
    for worker in snapshot.workers:
        trials = [trial for trial in snapshot.running if trial.worker == worker.name]
        for trial in trials:
            done = 0 if trial.epoch is None else trial.epoch + 1
            value = "" if trial.value is None else f"{trial.value:.4f}"
            row = (str(worker.index), worker.state, str(trial.number))
            table.add_row(*row, f"{done}/{snapshot.epochs}", value)
        if not trials:
            table.add_row(str(worker.index), worker.state, "", "", "")
    return table


def duration(seconds: float) -> str:
    """For example `1 h 05 min`, `12 min`, `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
