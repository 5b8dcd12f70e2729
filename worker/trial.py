"""The process of one trial: warm it waits for an assignment, then it trains and says how it ended.

Forked from a server that has this module imported, so importing it starts neither threads nor a
CUDA context. Knows nothing of leases, samplers and the database; see messages.py for what is said.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from study import mirror
from study.config.identity import identity
from study.errors import BadData
from study.lease import Intermediate
from study.log import set_up_logging
from worker.data.batches import Batches, open_batches
from worker.data.store import Store
from worker.diagnosis import diagnose
from worker.epilogue import Epilogue
from worker.evaluation.second import second_objective
from worker.illustration import Illustration
from worker.messages import (
    Assignment,
    EpochDone,
    Event,
    Finished,
    FirstStep,
    Interrupted,
    Warm,
)
from worker.mirrored import MirroredDirectory
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.pretrained import begin_from_weights
from worker.orders import Orders
from worker.tracking.narrator import Narrator, parameters
from worker.tracking.tracker import TrackedTrial
from worker.training.checkpoint import Checkpoints
from worker.training.class_weights import class_weights
from worker.training.fit import Fold, Outcome, StopRequested, fit
from worker.training.learner import Learner
from worker.training.progress import EpochResult

log = logging.getLogger(__name__)


def main(connection: Connection, store: Path | None) -> None:
    """Trains one trial and returns when its last event is sent, or ends with the supervisor.

    store: the packed data set to map while nothing else is to do.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # sent to the whole group; the supervisor decides
    set_up_logging()
    orders = Orders(connection)
    warm = warm_up(store)
    if warm is not None:
        orders.send(Warm())
    assignment = orders.assignment()
    if assignment is None:
        orders.send(Interrupted(checkpoint=None))
        return
    epilogue = Epilogue()
    event = run(assignment, orders, warm, epilogue)
    orders.send(event)
    epilogue.perform(event.value if isinstance(event, Finished) else None)


def warm_up(path: Path | None) -> Store | None:
    """Does what every assignment needs, before there is one: 0.3 s for a CUDA context."""
    try:
        if torch.cuda.is_available():
            torch.zeros(1, device="cuda")
        return Store.open(path) if path is not None else None
    except (BadData, RuntimeError) as error:
        log.info("not warm: %s", error)  # an assignment meets it again and reports it
        return None


def run(assignment: Assignment, orders: Orders, warm: Store | None, epilogue: Epilogue) -> Event:
    """Trains; the event that ends the trial, whatever happens. Fills in the epilogue."""
    try:
        event = _train(assignment, orders, warm, epilogue)
    except Exception as error:
        return diagnose(error)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # the next trial begins during the epilogue
    return event


class PipeOverseer:
    """Passes what the loop says on to the supervisor."""

    def __init__(
        self,
        orders: Orders,
        narrator: Narrator,
        last_epoch: int | None,
        directory: MirroredDirectory,
    ) -> None:
        """last_epoch: results up to it are known and not sent again."""
        self.last_step_at: float | None = None
        self._orders = orders
        self._narrator = narrator
        self._directory = directory
        self._last_epoch = -1 if last_epoch is None else last_epoch

    def stop_requested(self) -> bool:
        """Whether the supervisor wants the trial to leave."""
        return self._orders.stop_requested()

    def step_done(self) -> None:
        """Says so after the first; on a GPU it may still be computing."""
        now = time.monotonic()
        if self.last_step_at is None:
            self._orders.send(FirstStep(now))
        self.last_step_at = now

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> bool:
        """Sends the result, once others can go on from it, and waits for the verdict. Raises
        StopRequested, OSError, ObjectStoreAway."""
        self._directory.keep()
        if result.epoch <= self._last_epoch:
            return True
        self._narrator.epoch(result.epoch, result.metrics)
        self._orders.send(
            EpochDone(
                epoch=result.epoch,
                value=result.value,
                intermediate=intermediate,
                metrics=result.metrics,
                checkpoint=checkpoint,
            )
        )
        verdict = self._orders.may_continue()
        if verdict is None:
            raise StopRequested
        return verdict


def _train(assignment: Assignment, orders: Orders, warm: Store | None, epilogue: Epilogue) -> Event:
    device = resolve_device(assignment.device)
    set_up(device, assignment.threads)
    store = warm if warm and warm.path == assignment.store else Store.open(assignment.store)
    directory = MirroredDirectory(mirror.of_artifacts(), assignment.directory)
    directory.fetch()
    narrator = epilogue.narrator = new_narrator(assignment, store)
    overseer = PipeOverseer(orders, narrator, assignment.last_epoch, directory)
    checkpoints = Checkpoints(
        assignment.directory,
        fingerprint=f"{identity(assignment.config)}-{store.manifest.content}",
        token=assignment.token,
    )
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
        second = _second_objective(assignment, store, device)
    return _last_words(outcome, second, overseer.last_step_at, attached)


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


@contextlib.contextmanager
def open_fold(
    assignment: Assignment, store: Store, device: torch.device, narrator: Narrator, number: int
) -> Iterator[Fold]:
    """What the fold of that number trains with; of a study without folds, its only one. Raises as
    `new_learner` does."""
    part = store.fold(number) if assignment.config.data.split.folds else store
    with (
        contextlib.closing(open_split(assignment, part, device, augment=True)) as train,
        contextlib.closing(open_split(assignment, part, device, augment=False)) as val,
    ):
        learner = new_learner(assignment, part, device)
        with narrator.watching(learner.model, lambda epoch: next(iter(train.epoch(epoch)))):
            yield Fold(learner, train, val)


def set_up(device: torch.device, threads: int) -> None:
    """Of torch, for this process."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True  # every batch has the same shape


def new_learner(assignment: Assignment, store: Store, device: torch.device) -> Learner:
    """What an assignment trains, anew. Raises Infeasible where the parameters cannot be built into
    a model, ModelError where the weights to begin from are missing."""
    config, manifest = assignment.config, store.manifest
    torch.manual_seed(config.training.seed)
    model = build_model(
        config.model,
        channels=manifest.channels,
        image_size=config.data.image_size,
        n_classes=manifest.n_classes,
    )
    begin_from_weights(model, config.model, mean=manifest.mean, std=manifest.std)
    return Learner(
        model,
        config.training.in_stages[0],
        device=device,
        class_weights=class_weights(config.training, store.split("train").class_counts),
        accumulation=assignment.accumulation,
    )


def open_split(
    assignment: Assignment, store: Store, device: torch.device, *, augment: bool
) -> Batches:
    """The training split where pictures are augmented, else the validation split."""
    return open_batches(
        store,
        "train" if augment else "val",
        data=assignment.config.data,
        training=assignment.config.training,
        augment=augment,
        device=device,
        threads=assignment.threads,
    )


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


def _second_objective(assignment: Assignment, store: Store, device: torch.device) -> float | None:
    """Of a model as this trial's; None where the study looks for its metric alone."""
    kind, size = assignment.config.search.second, assignment.config.data.image_size
    if kind is None:
        return None
    learner = new_learner(assignment, store, device)
    picture = (store.manifest.channels, size, size)
    return second_objective(
        kind, learner.model, picture=picture, device=device, dtype=learner.dtype
    )


def _last_words(
    outcome: Outcome, second: float | None, last_step_at: float | None, attached: tuple[str, ...]
) -> Event:
    if outcome.ending == "stopped":
        return Interrupted(checkpoint=outcome.checkpoint)
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
