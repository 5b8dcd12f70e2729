"""A study as one frozen record: what its YAML file says. Every default is written here or in the
module of its section (data, models, augmentation, training, search), and nowhere else.

Knows nothing of files and line numbers (see load.py).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from study.config.constraints import Misfit, Slots, StudyName
from study.config.data import DataConfig
from study.config.models import DynamicCnnConfig, ModelConfig
from study.config.parameters import Parameter
from study.config.record import Record
from study.config.search import LADDERS, SearchConfig
from study.config.tracking import TrackingConfig
from study.config.training import TrainingConfig


class ResourcesConfig(Record):
    """What a study takes and how patient it is."""

    slots_per_device: Slots = 1
    """Trials a worker trains at once on its device. auto: as many as give the most pictures a
    second and fit into memory, measured on each kind of device before its first trial."""
    cpu_threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Threads of one trial on a CPU, or with slots_per_device: auto of all that share the device;
    None: the cores are shared out between the workers."""
    cpus: Annotated[float, Field(gt=0.0, le=1024.0)] | None = None
    """Cores a worker's container asks for and may use; None: what the place gives it."""
    memory_gib: Annotated[float, Field(gt=0.0, le=65536.0)] | None = None
    """Memory a worker's container asks for and may use, GiB; None: what the place gives it."""
    gpus: Annotated[int, Field(ge=0, le=1)] | None = None
    """GPUs of a worker's container; None: what the place gives it."""
    lease_seconds: Annotated[float, Field(ge=1.0)] = 30.0
    """Without a heartbeat for so long a trial may be adopted."""
    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 3
    """Workers that may die in a row on one trial without an epoch of progress."""
    out_of_memory_retries: Annotated[int, Field(ge=0, le=6)] = 2
    """Each halves the pictures in memory at once (gradients are accumulated); then infeasible."""

    @property
    def known_slots(self) -> int:
        """Trials that the cores are shared out for before a worker has measured: with auto one,
        whose threads the worker divides."""
        return 1 if self.slots_per_device == "auto" else self.slots_per_device


class StudyConfig(Record):
    """One study."""

    name: StudyName
    """Lower-case letters, digits and inner dashes, so that it can name cluster objects too."""
    data: DataConfig
    model: ModelConfig = DynamicCnnConfig()
    training: TrainingConfig = TrainingConfig()
    space: dict[str, Parameter] = Field(default_factory=dict)
    """Dotted path of the value it fills in (`training.learning_rate`, `model.n_filters.0`)."""
    search: SearchConfig
    resources: ResourcesConfig = ResourcesConfig()
    tracking: TrackingConfig = TrackingConfig()

    @model_validator(mode="after")
    def _folds_pruned_by_folds(self) -> StudyConfig:
        """Epochs of different folds cannot be compared, nor folds where there are none."""
        pruner, folds = self.search.pruner.name, self.data.split.folds
        if folds and pruner not in ("wilcoxon", "none"):
            rule = f"must be wilcoxon or none where data.split.folds={folds}, got {pruner}"
            raise Misfit("search.pruner.name", rule)
        if pruner == "wilcoxon" and not folds:
            raise Misfit("search.pruner.name", "wilcoxon compares folds: set data.split.folds")
        return self

    @model_validator(mode="after")
    def _rungs_below_the_end(self) -> StudyConfig:
        """Who never stands on a rung is compared with nobody."""
        pruner, epochs = self.search.pruner, self.training.total_epochs
        if pruner.name in LADDERS and pruner.min_epochs >= epochs:
            rule = f"must be below the {epochs} epochs of a trial, got {pruner.min_epochs}"
            raise Misfit("search.pruner.min_epochs", rule)
        return self

    @property
    def folds(self) -> int:
        """Models that a trial trains, one after the other."""
        return self.data.split.folds or 1

    @property
    def trial_epochs(self) -> int:
        """Of a trial that is not ended early: of all its stages and folds."""
        return self.folds * self.training.total_epochs
