"""Gets a process ready before it is given a trial: whatever else every trial's first step would
wait for.

Knows nothing of what the trial will be: it is the study as it was written that is rehearsed.
"""

from __future__ import annotations

import logging

import torch

from study.errors import BadData
from worker.assigned import new_learner, set_up
from worker.data.store import Store
from worker.messages import Standby
from worker.models.device import resolve_device

BATCH = 2  # pictures; the fewest that batch normalisation can do with

log = logging.getLogger(__name__)


def warm_up(standby: Standby) -> Store | None:
    """Gives the packed data set. What goes wrong is logged alone, and without a data set None is
    given: an assignment meets it again and reports it."""
    try:
        store = Store.open(standby.store)
    except BadData as error:
        log.info("not warm: %s", error)
        return None
    try:
        _rehearse(standby, store)
    except Exception as error:  # a model that the search never picks may raise anything
        log.info("not rehearsed: %s: %s", type(error).__name__, error)
    return store


def _rehearse(standby: Standby, store: Store) -> None:
    """A step on nothing. The first one of a process starts threads, loads kernels and imports: 0.05
    s on a CPU, a second on a GPU, where the context alone takes 0.3 s."""
    device = resolve_device(standby.device)
    set_up(device, standby.threads)
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        if free < total / 2:  # bytes; what is left may be needed by those that train
            return
    learner = new_learner(standby.config, store, device)
    size = standby.config.data.image_size
    images = torch.zeros((BATCH, store.manifest.channels, size, size), device=device)
    labels = torch.zeros(BATCH, dtype=torch.int64, device=device)
    learner.step(images.contiguous(memory_format=torch.channels_last), labels, 0.0)
    del learner
    if device.type == "cuda":
        torch.cuda.empty_cache()
