"""Gets a process ready before it is given a trial: whatever else every trial's first step would
wait for.

Knows nothing of what the trial will be: it is the study as it was written that is rehearsed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch

from study.config.records import StudyConfig
from study.errors import BadData
from worker.assigned import new_learner, set_up
from worker.data.store import Store
from worker.messages import Standby
from worker.models.device import resolve_device
from worker.step.deciding import decide, suggested
from worker.step.decision import Attempt, Decision, is_open, kept, kind_of, settled
from worker.training.compiler import bring_in, keep_in

BATCH = 2  # pictures; the fewest that batch normalisation can do with

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ready:
    """What a process that is warm has."""

    store: Store
    decision: Decision | None
    """How a step is computed where the study leaves it open; None: as the device suggests."""


def warm_up(standby: Standby, attempt: Attempt) -> Ready | None:
    """Gives the packed data set. What goes wrong is logged alone, and without a data set None is
    given: an assignment meets it again and reports it.

    attempt: ended by who ends the process while it decides.
    """
    keep_in(standby.artifacts.compiled, standby.threads)
    try:
        store = Store.open(standby.store)
    except BadData as error:
        log.info("not warm: %s", error)
        return None
    decision = None
    try:
        device = resolve_device(standby.device)
        set_up(device, standby.threads)
        busy = _is_busy(device)
        decision = _decision(standby, store, device, attempt, busy=busy)
        if _compiles(standby.config, decision, device):
            bring_in()
        if not busy:
            _rehearse(standby.config, store, device)
    except Exception as error:  # a model that the search never picks may raise anything
        log.info("not rehearsed: %s: %s", type(error).__name__, error)
    return Ready(store, decision)


def _is_busy(device: torch.device) -> bool:
    """Whether what is left of the device's memory may be needed by those that train."""
    if device.type != "cuda":
        return False
    free, total = torch.cuda.mem_get_info(device)  # bytes
    return free < total / 2


def _decision(
    standby: Standby, store: Store, device: torch.device, attempt: Attempt, *, busy: bool
) -> Decision | None:
    """Of the first process of the study's first worker on this kind of machine."""
    config, threads = standby.config, standby.threads
    if not is_open(config.training):
        return None
    file = standby.artifacts.step(kind_of(config, device, threads).name)
    full = suggested(config, device, threads, f"others fill {device}: nothing can be measured")
    ended = suggested(config, device, threads, "a process that measured was ended: not tried again")
    return kept(
        file, attempt, lambda: full if busy else decide(config, store, device, threads), ended
    )


def _compiles(study: StudyConfig, decision: Decision | None, device: torch.device) -> bool:
    """Whether trials will, as far as the study as it was written tells."""
    config = settled(study, decision, device) if decision else study
    return config.training.compile == "always"


def _rehearse(config: StudyConfig, store: Store, device: torch.device) -> None:
    """A step on nothing. The first one of a process starts threads, loads kernels and imports: 0.05
    s on a CPU, a second on a GPU, where the context alone takes 0.3 s."""
    never = config.training.model_copy(update={"compile": "never"})  # no trial has this shape
    learner = new_learner(config.model_copy(update={"training": never}), store, device)
    size = config.data.image_size
    images = torch.zeros((BATCH, store.manifest.channels, size, size), device=device)
    labels = torch.zeros(BATCH, dtype=torch.int64, device=device)
    learner.step(images.contiguous(memory_format=torch.channels_last), labels, 0.0)
    del learner
    if device.type == "cuda":
        torch.cuda.empty_cache()
