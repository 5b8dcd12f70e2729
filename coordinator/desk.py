"""Where a person's wishes for studies go: one method for each verb of the command line.

Two kinds of desk: this process is the coordinator (machine.py), or another one in a cluster is
(cluster/laptop/client.py). Knows nothing of the command line nor of what either does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console

from study.config.nearest import hint
from study.errors import UsageError, one_line

CLUSTER = "kubernetes"
"""The back end whose coordinator is another process; also the default."""


class Desk(Protocol):
    """Prints what a person should know. Everything that is refused raises UsageError before
    anything has changed; what cannot be done later raises HpoError."""

    def submit(self, study: str, *, workers: int, overrides: Sequence[str], follow: bool) -> int:
        """Runs the study of a name in configs/ or a file, or goes on with it; gives the exit
        status. follow: stay until it ends, where it would run without us."""

    def resume(
        self, study: str, *, workers: int | None, overrides: Sequence[str], follow: bool
    ) -> int:
        """Goes on with a study that was submitted; None: with as many workers as before."""

    def train(self, study: str, *, trial: int | None, overrides: Sequence[str]) -> int:
        """Trains once, without a search, as a new study of one trial; gives the exit status.
        trial: with the parameters of this one of the study's."""

    def plan(self, study: str, *, workers: int, overrides: Sequence[str], measure: bool) -> None:
        """Says what `submit` would do and how long it would take; nothing stays of it.
        measure: train one trial for a moment to know."""

    def prepare(self, study: str, *, overrides: Sequence[str]) -> None:
        """Packs the pictures of a study without running it."""

    def status(self, study: str | None, *, follow: bool) -> int:
        """Shows all studies or one; gives the exit status. follow: until the study ends."""

    def logs(self, study: str, *, worker: int | None, follow: bool) -> None:
        """Prints what workers printed."""

    def scale(self, study: str, workers: int) -> None:
        """Sets the number of workers."""

    def stop(self, study: str) -> None:
        """Lets the workers checkpoint and leave, and waits for them, but not for ever."""

    def shutdown(self) -> None:
        """Stops every study and what this process started for them."""

    def best(self, study: str, *, write: Path | None, force: bool) -> None:
        """Shows the best trial. write: makes this file a configuration that trains it once more;
        force: though there is one."""

    def promote(self, study: str, *, trial: int | None) -> None:
        """Measures the best trials again, or takes `trial`, and promotes the winner."""

    def rollback(self, study: str) -> None:
        """Goes back to the version promoted before."""

    def dashboard(self, study: str | None, *, host: str, port: int, writable: bool) -> None:
        """Makes optuna-dashboard reachable at host and port until Ctrl-C."""

    def report(self, study: str, *, printed: bool, output: Path | None) -> None:
        """Writes the study as one HTML page and says where: to `output`, or beside its trials.
        printed: to standard output instead."""


def open_desk(backend: str, console: Console) -> Desk:
    """The desk of a back end. Raises UsageError for an unknown name, with those there are."""
    if backend == CLUSTER:
        from coordinator.cluster.laptop.client import cluster_desk

        return cluster_desk(console)
    from coordinator.machine import MachineDesk
    from coordinator.site import SITES

    if backend not in SITES:
        names = hint(backend, [CLUSTER, *SITES])
        raise UsageError(one_line(f"--backend: no back end {backend!r}{names}"))
    return MachineDesk(SITES[backend](), console)
