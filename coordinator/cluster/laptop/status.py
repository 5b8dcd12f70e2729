"""How studies in the cluster are getting on, asked of it and printed; and, where nobody works on
them, why the coordinator does not.

Knows nothing of how a study is shown (see shown.py).
"""

from __future__ import annotations

from rich.console import Console

from coordinator.cluster.api import Api
from coordinator.cluster.laptop.asked import find_status, must_find, names
from coordinator.cluster.laptop.deployed import why_not_ready
from coordinator.cluster.laptop.shown import age, is_stale, reasons, show_status, studies_table
from coordinator.watch import NO_STUDIES, duration


def show_all(api: Api, console: Console) -> None:
    """Every study that was asked for, in a table."""
    studies = [(name, must_find(api, name), find_status(api, name)) for name in names(api)]
    console.print(studies_table(studies) if studies else NO_STUDIES)
    for line in reasons(studies):
        _say(console, line)
    if why := why_not_ready(api):
        _say(console, f"the coordinator is not ready: {why}")


def show_one(api: Api, study: str, console: Console) -> None:
    """One study, its workers, and what is promoted. Raises StudyNotFound."""
    asked, status = must_find(api, study), find_status(api, study)
    show_status(study, asked, status, console)
    why = why_not_ready(api)
    if not why and status is not None and is_stale(status):
        why = "see kubectl logs deploy/coordinator"
    if why:
        last = "never" if status is None else f"{duration(age(status))} ago"
        _say(console, f"the coordinator is not ready (it last wrote {last}): {why}")


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True)
