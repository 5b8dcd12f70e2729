"""Which part of a staged training an epoch belongs to, and what the learner does at its beginning.

Knows nothing of the loop and of files. A training without stages is one stage.
"""

from __future__ import annotations

from dataclasses import dataclass

from study.config.training import TrainingConfig


@dataclass(frozen=True)
class Stage:
    """One part of a training."""

    index: int
    """From 0."""
    first: int
    """Its first epoch, counted over the whole training."""
    training: TrainingConfig
    """As if it were the whole training: with its own epochs and no stages."""
    from_best: bool
    """Whether it begins with the weights of the best epoch so far, not with those of the last."""

    def step(self, epoch: int, step: int, steps_per_epoch: int) -> int:
        """A step of the epoch `epoch` of the whole training, counted within the stage."""
        return (epoch - self.first) * steps_per_epoch + step


def stages_of(training: TrainingConfig) -> tuple[Stage, ...]:
    """All of them, in order."""
    stages, first = [], 0
    for index, part in enumerate(training.in_stages):
        from_best = index > 0 and training.stages[index].resume == "best"
        stages.append(Stage(index, first, part, from_best))
        first += part.epochs
    return tuple(stages)


def stage_at(training: TrainingConfig, epoch: int) -> Stage:
    """The stage of an epoch of the whole training; of one beyond it the last."""
    return [stage for stage in stages_of(training) if stage.first <= epoch][-1]
