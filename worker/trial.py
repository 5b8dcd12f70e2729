"""The process of one trial: warm it waits for an assignment, then it trains and says how it ended.

Forked from a server that has this module imported, so importing it starts neither threads nor a
CUDA context. Knows nothing of leases, samplers and the database; see messages.py for what is said.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from study import mirror
from study.config.identity import identity
from study.log import set_up_logging
from worker.assigned import measure_second, open_fold, set_up
from worker.data.store import Store
from worker.diagnosis import diagnose
from worker.epilogue import Epilogue
from worker.illustration import Illustration
from worker.messages import (
    Assignment,
    Event,
    Finished,
    Interrupted,
    Standby,
    Warm,
)
from worker.mirrored import MirroredDirectory
from worker.models.device import resolve_device
from worker.orders import Orders
from worker.overseer import PipeOverseer
from worker.step.decision import Attempt, Decision, settled
from worker.tracking.narrator import Narrator, parameters
from worker.tracking.tracker import TrackedTrial
from worker.training.checkpoint import Checkpoints
from worker.training.compiler import forgive
from worker.training.fit import Outcome, fit
from worker.warm_up import Ready, warm_up


def main(connection: Connection, standby: Standby) -> None:
    """Trains one trial and returns when nothing is left to do for it, or ends with the supervisor.

    standby: what to get ready for until there is an assignment.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group; the supervisor decides
    set_up_logging()
    attempt = Attempt()
    orders = Orders(connection, parting=attempt.end)
    warm = warm_up(standby, attempt)
    if warm is not None:
        orders.send(Warm())
    assignment = orders.assignment()
    epilogue = Epilogue()
    event = run(assignment, orders, warm, epilogue)
    orders.send(event)
    orders.dismissed()
    epilogue.perform(event.value if isinstance(event, Finished) else None)


def run(assignment: Assignment, orders: Orders, warm: Ready | None, epilogue: Epilogue) -> Event:
    """Trains; the event that ends the trial, whatever happens. Fills in the epilogue."""
    try:
        event = _train(assignment, orders, warm, epilogue)
    except Exception as error:
        return diagnose(error)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # the next trial begins during the epilogue
    return event


def _train(assignment: Assignment, orders: Orders, warm: Ready | None, epilogue: Epilogue) -> Event:
    device = resolve_device(assignment.device)
    set_up(device, assignment.threads)
    same = warm is not None and warm.store.path == assignment.store
    store = warm.store if warm and same else Store.open(assignment.store)
    directory = MirroredDirectory(mirror.of_artifacts(), assignment.directory)
    directory.fetch()
    narrator = epilogue.narrator = new_narrator(assignment, store)
    overseer = PipeOverseer(orders, narrator, assignment.last_epoch, directory)
    checkpoints = Checkpoints(
        assignment.directory,
        fingerprint=f"{identity(assignment.config)}-{store.manifest.content}",
        token=assignment.token,
    )
    if warm and warm.decision:
        assignment = _settled(assignment, warm.decision, device)
    outcome = fit(
        partial(open_fold, assignment, store, device, narrator),
        config=assignment.config,
        checkpoints=checkpoints,
        overseer=overseer,
    )
    directory.keep()  # of one that was stopped within an epoch
    illustration = _illustration(outcome, checkpoints, store, assignment.directory, directory)
    if illustration is not None:
        illustration.write_result()
    epilogue.illustration = illustration
    attached = illustration.names if illustration is not None else ()
    second = None
    if outcome.ending != "stopped":
        second = measure_second(assignment, store, device)
    return _last_words(outcome, second, overseer.last_step_at, attached)


def _settled(assignment: Assignment, decision: Decision, device: torch.device) -> Assignment:
    """With nothing of the step left open. After the checkpoints' fingerprint: a trial goes on where
    another kind of machine left it."""
    config = settled(assignment.config, decision, device)
    if assignment.config.training.compile == "auto" and config.training.compile == "always":
        forgive()  # a trial's own shape may be beyond the compiler
    return replace(assignment, config=config)


def new_narrator(assignment: Assignment, store: Store) -> Narrator:
    """Tells the study's trackers of this process's epochs."""
    config, manifest = assignment.config, store.manifest
    told = -1 if assignment.last_epoch is None else assignment.last_epoch
    trial = TrackedTrial(
        study=config.name,
        number=assignment.number,
        parameters=parameters(config),
        directory=assignment.directory,
        first_epoch=told + 1,
    )
    return Narrator(config, trial, mean=manifest.mean, std=manifest.std)


def _illustration(
    outcome: Outcome,
    checkpoints: Checkpoints,
    store: Store,
    directory: Path,
    copy: MirroredDirectory,
) -> Illustration | None:
    """Of a complete trial; the others are of no interest once they have ended."""
    if outcome.ending != "complete" or outcome.best is None:
        return None
    epoch = outcome.best.epoch
    return Illustration(
        directory=directory,
        copy=copy,
        store=store,
        history=outcome.history,
        best=next(result for result in outcome.history if result.epoch == epoch),
        found=checkpoints.meta(outcome.best)["found"],
    )


def _last_words(
    outcome: Outcome, second: float | None, last_step_at: float | None, attached: tuple[str, ...]
) -> Event:
    if outcome.ending == "stopped":
        weights = None if outcome.best is None else outcome.best.weights
        return Interrupted(checkpoint=outcome.checkpoint, value=outcome.value, weights=weights)
    assert outcome.best is not None  # an epoch was reported
    assert outcome.value is not None
    return Finished(
        value=outcome.value,
        second=second,
        best_epoch=outcome.best.epoch,
        weights=outcome.best.weights,
        pruned=outcome.ending == "pruned",
        attached=attached,
        last_step_at=last_step_at,
    )
