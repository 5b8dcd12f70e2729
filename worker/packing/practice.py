"""The process of one of several trials that are rehearsed at once, in the study's own model and on
its own pictures.

Forked from the same server as trials are. Knows nothing of how many there are and of what is
decided (see together.py).
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from study.log import set_up_logging
from worker.assigned import new_learner, open_split, set_up
from worker.data.choice import free_memory
from worker.data.store import Store
from worker.diagnosis import diagnose
from worker.messages import Assignment, Device, Rehearsed, Standby, Warm
from worker.models.device import device_name, resolve_device
from worker.orders import Orders
from worker.pace import Pace, training
from worker.rehearse import middle_trial, peak_bytes

CONTEXT_BYTES = 512 * 2**20  # of a GPU, for a process beside what torch reserves: context, kernels


def describe(connection: Connection, standby: Standby) -> None:
    """Says what the device is; as with all questions to CUDA, in a process that ends."""
    orders = _listening(connection)
    try:
        device = resolve_device(standby.device)
        orders.send(Device(name=device_name(device), gpu=device.type == "cuda"))
    except Exception as error:
        orders.send(diagnose(error))
    orders.dismissed()


def practise(
    connection: Connection, standby: Standby, *, warm_seconds: float, seconds: float
) -> None:
    """Trains the trial in the middle of the space for a moment, begins to count when it is told to,
    and holds its memory until it is dismissed."""
    orders = _listening(connection)
    try:
        device = resolve_device(standby.device)
        with _pace(standby, device) as pace:
            pace.keep(warm_seconds)
            orders.send(Warm())
            if not orders.may_continue():
                return  # another one could not be rehearsed
            rate = pace.keep(seconds)
            orders.send(_rehearsed(rate, device))
            orders.dismissed()
    except Exception as error:
        orders.send(diagnose(error))
        orders.dismissed()


def _listening(connection: Connection) -> Orders:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group; the worker decides
    set_up_logging()
    return Orders(connection)


@contextlib.contextmanager
def _pace(standby: Standby, device: torch.device) -> Iterator[Pace]:
    """Of a trial as it would be assigned."""
    config, _ = middle_trial(standby.config)
    set_up(device, standby.threads)
    store = Store.open(standby.store)
    if config.data.split.folds:
        store = store.fold(0)
    assignment = Assignment(
        config=config,
        store=standby.store,
        directory=Path(),  # nothing is written
        device=standby.device,
        threads=standby.threads,
        last_epoch=None,
    )
    with contextlib.closing(open_split(assignment, store, device, augment=True)) as train:
        yield training(new_learner(config, store, device), train, config, device)


def _rehearsed(rate: float, device: torch.device) -> Rehearsed:
    beside = CONTEXT_BYTES if device.type == "cuda" else 0
    return Rehearsed(
        images_per_second=rate,
        peak_bytes=peak_bytes(device) + beside,
        free_bytes=free_memory(device),
    )
