"""Rehearses so many trials at once, each in a process of its own, and adds up what they did.

Never imports torch. Knows nothing of what is decided (see decision.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import TypeVar

from study.errors import HpoError
from worker.failures import crashed
from worker.messages import Continue, Device, Dismiss, Event, Failed, Rehearsed, Standby, Warm
from worker.packing.decision import Figures
from worker.trial_processes import JOIN_SECONDS, TrialProcess, Work

WARM_SECONDS = 2.0  # of steps before those that count
TRAIN_SECONDS = 3.0  # of steps that count, for all at the same time
PATIENCE = 300.0  # seconds for one of them to be ready: a model that is compiled takes a minute
LOOK_SECONDS = 1.0  # between two signs of life of the worker that waits

Told = TypeVar("Told", bound=Event)


def rehearse(standby: Standby, trials: int, turned: Callable[[], None]) -> Figures:
    """Of `trials` at once, who share the threads of `standby`. Calls `turned` while it waits. What
    goes wrong is among the figures."""
    each = replace(standby, threads=max(1, standby.threads // trials))
    work = partial(_practise, warm_seconds=WARM_SECONDS, seconds=TRAIN_SECONDS)
    try:
        with _started(each, work, trials) as processes:
            for process in processes:
                _hear(process, Warm, turned)
            for process in processes:
                process.send(Continue())
            told = [_hear(process, Rehearsed, turned) for process in processes]
    except HpoError as error:
        return Figures(trials=trials, failure=str(error))
    return Figures(
        trials=trials,
        images_per_second=round(sum(one.images_per_second for one in told), 1),
        peak_bytes=max(one.peak_bytes for one in told),
        free_bytes=min(one.free_bytes for one in told),
    )


def describe(standby: Standby, turned: Callable[[], None]) -> Device:
    """The device that trials would be trained on. Raises HpoError where it cannot be asked."""
    with _started(standby, _describe, 1) as (process,):
        return _hear(process, Device, turned)


@contextmanager
def _started(standby: Standby, work: Work, count: int) -> Iterator[list[TrialProcess]]:
    """Processes that are gone when the block ends."""
    processes: list[TrialProcess] = []
    try:
        processes.extend(TrialProcess(standby, work) for _ in range(count))
        yield processes
    finally:
        for process in processes:
            process.send(Dismiss())
        deadline = time.monotonic() + JOIN_SECONDS
        for process in processes:  # not killed: a device that others share is left in good order
            process.linger(max(0.0, deadline - time.monotonic()))
            process.join()


def _hear(process: TrialProcess, kind: type[Told], turned: Callable[[], None]) -> Told:
    """What is waited for. Raises HpoError with the reason where it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not process.pipe.poll(LOOK_SECONDS):
        turned()
        if time.monotonic() > deadline:
            raise HpoError(f"no answer within {PATIENCE:.0f} s")
    match process.receive():
        case kind() as told:
            return told
        case Failed(reason=reason):
            raise HpoError(reason)
        case None:
            raise HpoError(crashed(process.join(), crowded=False).reason)
        case other:
            raise AssertionError(f"{kind.__name__} was to come, not {other}")


def _practise(pipe: Connection, standby: Standby, *, warm_seconds: float, seconds: float) -> None:
    """Imported late: the worker has no torch, and the fork server has it already."""
    from worker.packing.practice import practise

    practise(pipe, standby, warm_seconds=warm_seconds, seconds=seconds)


def _describe(pipe: Connection, standby: Standby) -> None:
    """Imported late, as above."""
    from worker.packing.practice import describe as say

    say(pipe, standby)
