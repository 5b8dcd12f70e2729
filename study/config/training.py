"""The section `training`: how one trial trains, with every default.

Knows nothing of how it is carried out (worker/training).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from study.config.augmentation import AugmentationConfig
from study.config.constraints import Fraction, Positive, Seed
from study.config.record import Record
from study.config.stage import Precision, Schedule, StageConfig


class TrainingConfig(Record):
    """How one trial trains."""

    epochs: Annotated[int, Field(ge=1)] = 10
    """Of a trial without stages."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    """Peak of the schedule."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """For sgd."""
    schedule: Schedule = "one_cycle"
    warmup: Fraction = 0.3
    """Part of all steps in which one_cycle rises to its peak."""
    step_epochs: Annotated[int, Field(ge=1)] = 10
    """For schedule step: epochs between two drops."""
    step_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """For schedule step: what each drop multiplies the learning rate by."""
    label_smoothing: Annotated[float, Field(ge=0.0, le=0.2)] = 0.0
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: Annotated[float, Field(ge=0.0, le=10.0)] = 2.0
    """For focal: how little pictures count that are already classified well; 0: cross entropy."""
    class_weights: Literal["none", "inverse", "effective_number"] = "none"
    """What a class weighs in the loss (worker/training/class_weights.py)."""
    effective_number_beta: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    """For effective_number: 0 weighs all classes alike, near 1 it weighs them by 1 / pictures."""
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    """shuffled: an epoch shows every picture once; balanced: every class equally often, in as many
    pictures."""
    gradient_clip: Positive | None = 1.0
    """Largest norm of all gradients together."""
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    """Epochs without a better metric after which a trial is complete; None: never."""
    precision: Precision = "auto"
    """auto: bfloat16 where the device has it, else float16 on a GPU and float32 on a CPU; another
    one where a worker has measured that the study's steps are quicker in it."""
    compile: Literal["auto", "always", "never"] = "auto"
    """Whether a step is compiled by torch.compile, on a GPU into CUDA graphs. auto: where a worker
    has measured that it pays for itself within a trial (worker/step/decision.py)."""
    seed: Seed = 0
    """Of weights, order and augmentation."""
    augmentation: AugmentationConfig = AugmentationConfig()
    stages: tuple[StageConfig, ...] = ()
    """One after the other; their epochs are the trial's. None: a single stage, as said above."""

    @property
    def in_stages(self) -> tuple[TrainingConfig, ...]:
        """Each stage as if it were the whole training, in order; itself where there are none."""
        return tuple(
            self.model_copy(update={**_said(stage), "stages": ()}) for stage in self.stages
        ) or (self,)

    @property
    def total_epochs(self) -> int:
        """Of all stages."""
        return sum(stage.epochs for stage in self.in_stages)


def _said(stage: StageConfig) -> dict[str, object]:
    """What the stage does otherwise than the section, by field of TrainingConfig."""
    return {
        name: value
        for name, value in stage
        if value is not None and name in TrainingConfig.model_fields
    }
