"""How far a trial is: position, sums of the epoch in hand, last and best results.

Knows nothing of models and files; a checkpoint holds it as plain values.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from study.lease import Intermediate

HELD_VALUES = 2**26  # logits of an epoch's steps that are held for its metrics: 256 MiB


@dataclass(frozen=True)
class EpochResult:
    """What one epoch gave."""

    epoch: int
    """From 0."""
    value: float
    """The study's metric on the validation split."""
    metrics: dict[str, float]
    """Those of worker.evaluation.metrics.summarise on the validation split and, behind `train_`,
    on the training split; learning_rate, images_per_second (of the training part), seconds (with
    validation)."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far."""

    epoch: int
    value: float
    weights: str = ""
    """File name in the trial's directory; empty until they are written."""


@dataclass
class Progress:
    """Changes after every step."""

    epoch: int = 0
    """The epoch in hand, from 0; counts on over stages and folds."""
    step: int = 0
    """Its steps that are done."""
    loss_sum: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    """Loss of those steps times their pictures; stays on the device, so that adding to it does not
    wait for the device."""
    logits: list[Tensor] = field(default_factory=list)
    """(B, n_classes) float32 of each of those steps, on the device; of the last ones where they
    are more than HELD_VALUES. Metrics cost one pass at the end, and a step nothing."""
    labels: list[Tensor] = field(default_factory=list)
    """(B,) int64 that belong to them; of blended pictures the class with the larger share."""
    images: int = 0
    """Pictures of those steps."""
    seconds: float = 0.0
    """Time those steps took."""
    best: Best | None = None
    """Of the fold in hand."""
    history: list[EpochResult] = field(default_factory=list)
    """Results of the epochs before the one in hand."""
    stage: int = 0
    """Index of the stage the learner is in."""
    began: int = 0
    """First epoch of the fold in hand."""
    folds: tuple[Best, ...] = ()
    """The best epochs of the folds that are done."""

    @property
    def last(self) -> EpochResult | None:
        """Result of the epoch before the one in hand."""
        return self.history[-1] if self.history else None

    @property
    def position(self) -> tuple[int, int]:
        """Epoch and step that come next."""
        return self.epoch, self.step

    @property
    def bests(self) -> tuple[Best, ...]:
        """Of every fold that has one."""
        return (*self.folds, self.best) if self.best else self.folds

    @property
    def value(self) -> float | None:
        """What the trial is worth so far: the best epoch's metric; with folds the mean of it over
        those that are done."""
        bests = self.folds or self.bests
        return fmean(best.value for best in bests) if bests else None

    @property
    def fold_epoch(self) -> int:
        """The epoch in hand, counted from 0 in its fold."""
        return self.epoch - self.began

    @property
    def in_fold(self) -> bool:
        """Whether a step of the fold in hand is done."""
        return self.position > (self.began, 0)

    def count(self, loss: Tensor, logits: Tensor, labels: Tensor, seconds: float) -> None:
        """One more step is done. labels: as Learner.step takes them."""
        self.loss_sum = self.loss_sum.to(loss.device) + loss.double() * len(labels)
        self.logits.append(logits)
        self.labels.append(labels if labels.ndim == 1 else labels.argmax(dim=1))
        if len(self.logits) * logits.numel() > HELD_VALUES and len(self.logits) > 1:
            del self.logits[0], self.labels[0]
        self.step += 1
        self.images += len(labels)
        self.seconds += seconds

    def outputs(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Logits (N, n_classes) float32 and labels (N,) int64 of the steps that are held."""
        parts = [part.to(device) for part in self.logits]  # a checkpoint's are on the CPU
        return torch.cat(parts), torch.cat([part.to(device) for part in self.labels])

    def close_epoch(self, result: EpochResult, *, better: bool) -> None:
        """The epoch in hand is done; the next begins at its first step. better: than the best one
        of the fold so far, or the first one."""
        self.history.append(result)
        if better:
            self.best = Best(result.epoch, result.value)
        self.epoch, self.step, self.images, self.seconds = result.epoch + 1, 0, 0, 0.0
        self.loss_sum = torch.zeros((), dtype=torch.float64)  # a checkpoint waits for no device
        self.logits, self.labels = [], []

    def name_best(self, weights: str) -> None:
        """The best weights that had no file are in this one."""
        if self.best is not None:
            self.best = replace(self.best, weights=weights)
        else:  # the fold is closed
            self.folds = (*self.folds[:-1], replace(self.folds[-1], weights=weights))

    def close_fold(self) -> None:
        """The fold in hand is done; the next begins with fresh weights."""
        assert self.best is not None  # an epoch was closed
        self.folds = (*self.folds, self.best)
        self.best, self.began, self.stage = None, self.epoch, 0

    def intermediate(self, config: StudyConfig) -> Intermediate | None:
        """What the last epoch gives pruners; of folds only their ends count."""
        assert self.last is not None
        if config.folds == 1:
            rung = None if self.folds else config.search.pruner.rung(self.epoch)
            return Intermediate(self.last.epoch, self.last.value, rung)
        if self.began <= self.last.epoch:
            return None
        return Intermediate(len(self.folds) - 1, self.folds[-1].value)

    def is_complete(self, config: TrainingConfig) -> bool:
        """Whether all epochs of the fold in hand are done, or enough of them in a row brought
        nothing better."""
        if self.fold_epoch >= config.total_epochs:
            return True
        if config.early_stopping is None or self.best is None:
            return False
        return self.epoch - 1 - self.best.epoch >= config.early_stopping

    def to_plain(self) -> dict[str, Any]:
        """Tensors, numbers and strings only."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Progress:
        """The other way round."""
        best = plain["best"]
        return cls(
            **{
                **plain,
                "best": Best(**best) if best else None,
                "history": [EpochResult(**result) for result in plain["history"]],
                "folds": tuple(Best(**fold) for fold in plain["folds"]),
            }
        )
