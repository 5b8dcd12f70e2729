"""What an assignment trains with: the device, its model with an optimizer, its pictures, its folds.

Knows nothing of the loop and of whom it reports to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from study.config.records import StudyConfig
from worker.data.batches import Batches, open_batches
from worker.data.store import Store
from worker.evaluation.second import second_objective
from worker.messages import Assignment
from worker.models.pretrained import initial_model
from worker.tracking.narrator import Narrator
from worker.training.class_weights import class_weights
from worker.training.fit import Fold
from worker.training.learner import Learner


def set_up(device: torch.device, threads: int) -> None:
    """Of torch, for this process."""
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True  # every batch has the same shape
        torch.set_float32_matmul_precision("high")  # TF32 where a study asks for float32


def new_learner(
    config: StudyConfig, store: Store, device: torch.device, *, accumulation: int = 1
) -> Learner:
    """What is trained, anew. Raises Infeasible where the parameters cannot be built into a model,
    ModelError where the weights to begin from are missing."""
    manifest = store.manifest
    torch.manual_seed(config.training.seed)
    model = initial_model(config, manifest)
    return Learner(
        model,
        config.training.in_stages[0],
        device=device,
        class_weights=class_weights(config.training, store.split("train").class_counts),
        accumulation=accumulation,
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


@contextlib.contextmanager
def open_fold(
    assignment: Assignment, store: Store, device: torch.device, narrator: Narrator, number: int
) -> Iterator[Fold]:
    """What the fold of that number trains with; of a study without folds, its only one. Raises as
    `new_learner` does."""
    part = store.fold(number) if assignment.config.data.split.folds else store
    with contextlib.ExitStack() as opened:
        train = open_split(assignment, part, device, augment=True)
        opened.callback(train.close)
        val = open_split(assignment, part, device, augment=False)
        opened.callback(val.close)
        parts = assignment.accumulation
        learner = new_learner(assignment.config, part, device, accumulation=parts)
        first = train.for_training(assignment.config.training.in_stages[0])
        with narrator.watching(learner.model, lambda epoch: next(iter(first.epoch(epoch)))):
            yield Fold(learner, train, val, close=opened.close)


def measure_second(assignment: Assignment, store: Store, device: torch.device) -> float | None:
    """Of a model as this trial's; None where the study looks for its metric alone."""
    config = assignment.config
    kind, size = config.search.second, config.data.image_size
    if kind is None:
        return None
    learner = new_learner(config, store, device)
    picture = (store.manifest.channels, size, size)
    return second_objective(
        kind, learner.model, picture=picture, device=device, dtype=learner.dtype
    )
