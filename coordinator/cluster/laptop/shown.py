"""How studies in the cluster are getting on, for a person: from requests and statuses alone.

Knows nothing of how they came here (asked.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from coordinator.cluster.laptop.asked import Asked
from coordinator.cluster.records import Status
from coordinator.watch import summary, workers_table
from coordinator.winner import Winner
from study.errors import HpoError

SILENCE = 180.0  # seconds; the coordinator writes of a study that goes on at least once a minute


def studies_table(studies: Sequence[tuple[str, Asked, Status | None]]) -> Table:
    """A row for each study."""
    table = Table("study", "phase", "trials", "running", "workers", "best", "promoted")
    for name, asked, status in studies:
        snapshot = None if status is None else status.snapshot
        trials = running = best = ""
        if snapshot is not None:
            trials = f"{snapshot.ended}/{snapshot.trials}"
            running = str(len(snapshot.trained))
            best = "" if snapshot.best is None else f"{snapshot.best.value:.4f}"
        promoted = "yes" if status is not None and status.promoted else ""
        workers = str(asked.request.workers)
        table.add_row(name, phase(asked, status), trials, running, workers, best, promoted)
    return table


def phase(asked: Asked, status: Status | None) -> str:
    """In a word; `asked` until the coordinator has taken up the newest request."""
    if status is None or status.revision < asked.request.revision:
        return "asked"
    return status.phase


def reasons(studies: Sequence[tuple[str, Asked, Status | None]]) -> list[str]:
    """Why studies wait, failed or were refused, a line for each that has a reason."""
    return [
        f"{name}: {status.phase}: {status.reason}"
        for name, _, status in studies
        if status is not None and status.reason
    ]


def show_status(study: str, asked: Asked, status: Status | None, console: Console) -> None:
    """One study, its workers, and what is promoted."""
    if status is None or status.snapshot is None:
        console.print(f"{study}: {phase(asked, status)}", soft_wrap=True)
    else:
        snapshot = status.snapshot
        console.print(f"{summary(snapshot)} | {phase(asked, status)}", soft_wrap=True)
        if snapshot.workers:
            console.print(workers_table(snapshot))
    if status is None:
        return
    if status.reason:
        console.print(status.reason, soft_wrap=True)
    if status.promoted:
        console.print(status.promoted, soft_wrap=True)


def best_of(asked: Asked, status: Status | None) -> Winner:
    """The best trial, as far as the coordinator has told. Raises HpoError where none is complete,
    ConfigError."""
    config = asked.config()
    snapshot = None if status is None else status.snapshot
    if snapshot is None or snapshot.best is None:
        raise HpoError(f"no trial of study {config.name!r} is complete yet")
    return Winner(
        config=config,
        number=snapshot.best.number,
        value=snapshot.best.value,
        parameters=dict(snapshot.best.params),
        of=snapshot.ended,
    )


def show_best(winner: Winner, status: Status | None, console: Console) -> None:
    """The best trial's value and parameters, and what is promoted."""
    metric = winner.config.search.metric
    lines = [
        f"trial {winner.number}: validation {metric} {winner.value:.4f}",
        *(f"  {name} = {value}" for name, value in winner.parameters.items()),
    ]
    if status is not None and status.promoted:
        lines.append(status.promoted)
    console.print("\n".join(lines), soft_wrap=True)


def age(status: Status) -> float:
    """Seconds since it was written, by this machine's clock."""
    passed = datetime.now(UTC) - datetime.fromisoformat(status.written)
    return max(0.0, passed.total_seconds())


def is_stale(status: Status) -> bool:
    """Whether the study should go on, but nobody has said so for long."""
    return status.phase in ("preparing", "running", "promoting") and age(status) > SILENCE
