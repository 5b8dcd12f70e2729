"""What the engine says of a worker's container: whether it lives, how it ended, what it printed.

Knows nothing of how containers are made and found (see container.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound
from docker.models.containers import Container

from coordinator.backends.backend import WorkerState
from coordinator.backends.container import CRASHES, INDEX, WORKER
from study import exit_codes
from study.errors import one_line

CANNOT_START = 127  # exit status, as a shell gives it
SIGNALLED = 128  # plus the signal: exit status of a container whose process a signal ended
SIGNALS = 65  # more than there are


def seen(found: Container) -> WorkerState | None:
    """As the engine sees it. None: made by a coordinator that was killed before starting it."""
    alive = not is_dead(found)
    if alive and found.status == "created":
        return None
    labels = _labels(found)
    return WorkerState(
        index=index(found),
        name=labels[WORKER],
        alive=alive,
        exit_status=None if alive else exit_status(found.attrs["State"]),
        crashes=int(labels[CRASHES]),
    )


def index(found: Container) -> int:
    """Of the worker in it."""
    return int(_labels(found)[INDEX])


def is_dead(found: Container) -> bool:
    """Whether it has ended, or the engine could not start it."""
    if found.status == "created":
        return bool(found.attrs["State"]["ExitCode"])
    return found.status in ("exited", "dead")


def exit_status(state: Mapping[str, Any]) -> int:
    """Of a dead container, as subprocess gives it. 143 stays what it is: workers that were told to
    leave end with it themselves."""
    code = int(state["ExitCode"])
    if state.get("Status") == "created":
        return CANNOT_START
    if code in (exit_codes.INTERRUPTED, exit_codes.PREEMPTED):
        return code
    return SIGNALLED - code if SIGNALLED < code < SIGNALLED + SIGNALS else code


def printed(found: Container, count: int | None = None) -> list[str]:
    """The last lines it printed, or all, and why the engine could not start it."""
    lines = found.logs(tail="all" if count is None else count).decode(errors="replace").splitlines()
    reason = found.attrs["State"].get("Error")
    return [*lines, one_line(reason)] if reason else lines


def reloaded(found: Container) -> bool:
    """Looks at it closely; gives whether it is still there."""
    try:
        found.reload()
    except NotFound:
        return False
    return True


def _labels(found: Container) -> dict[str, str]:
    """The engine's list has them in another place than its close look."""
    listed: dict[str, str] | None = found.attrs.get("Labels")
    return found.labels if listed is None else listed
