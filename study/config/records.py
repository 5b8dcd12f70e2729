"""What a study's YAML file says, as frozen records. Every default is written here and nowhere else.

Knows nothing of files and line numbers (see load.py) nor of sampling (see ../sampling.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from study.config.constraints import (
    Expression,
    Fraction,
    Misfit,
    OddSide,
    PathText,
    Positive,
    Range,
    Seed,
    Sha256,
    StudyName,
)
from study.config.parameters import Parameter, Scalar


class Record(BaseModel):
    """Frozen; an unknown key is an error; NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SplitConfig(Record):
    """How pictures without a given split are divided; classes keep their proportions."""

    val: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.15
    """Fraction of the pictures held out for the objective."""
    test: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.15
    """Fraction touched only once, by promotion. Ignored where the source brings a test split."""
    group: Expression | None = None
    """Regular expression searched in a picture's file name; pictures with the same first group of
    the match never straddle a split. For example `^([^_]+)_`."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _some_left(self) -> SplitConfig:
        if self.val + self.test >= 1.0:
            raise Misfit(
                "val", f"val and test must be below 1 together, got {self.val} + {self.test}"
            )
        return self


class DataConfig(Record):
    """Where the pictures are and how they are packed."""

    source: PathText
    """A folder of class folders, one with train/ (val/) test/ above them, a .zip of either, or a
    .csv with the columns path, label and optionally split and group."""
    sha256: Sha256 | None = None
    """Checksum an archive must have."""
    image_size: Annotated[int, Field(ge=8, le=1024)]
    """Side of the square a model sees, pixels."""
    store_size: Annotated[int, Field(ge=8, le=1024)] | None = None
    """Side of the packed square, pixels; larger than image_size leaves detail for random crops.
    None: image_size."""
    channels: Literal[1, 3] = 3
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How a picture becomes a square: cut the long side, pad the short side, or distort."""
    split: SplitConfig = SplitConfig()
    loader: Literal["auto", "resident", "dali", "torchvision"] = "auto"
    """resident: packed pixels in memory. dali, torchvision: decode the files in every epoch.
    auto: resident when the pixels fit, else dali, else torchvision."""

    @model_validator(mode="after")
    def _large_enough(self) -> DataConfig:
        if self.packed_size < self.image_size:
            rule = f"must be at least image_size={self.image_size}, got {self.store_size}"
            raise Misfit("store_size", rule)
        return self

    @property
    def packed_size(self) -> int:
        """Side of the packed square, pixels."""
        return self.store_size or self.image_size


class DynamicCnnConfig(Record):
    """`n_layers` blocks of Conv2d, BatchNorm2d, ReLU, MaxPool2d, then one hidden layer."""

    name: Literal["dynamic_cnn"] = "dynamic_cnn"
    n_layers: Annotated[int, Field(ge=1, le=8)] = 3
    n_filters: tuple[Annotated[int, Field(ge=1, le=2048)], ...] = (32, 64, 128, 256)
    """Filters per block; the first n_layers count."""
    kernel_sizes: tuple[OddSide, ...] = (3, 3, 3, 3)
    """Odd kernel sides per block, pixels; the first n_layers count."""
    fc_size: Annotated[int, Field(ge=1, le=8192)] = 256
    """Units of the hidden layer."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2

    @model_validator(mode="after")
    def _enough(self) -> DynamicCnnConfig:
        for name, values in (("n_filters", self.n_filters), ("kernel_sizes", self.kernel_sizes)):
            if len(values) < self.n_layers:
                raise Misfit(
                    "n_layers",
                    f"must be at most {len(values)}, for {name} lists no more, got {self.n_layers}",
                )
        return self


ModelConfig = DynamicCnnConfig
"""Becomes a union discriminated by `name` with the second model."""


class AugmentationConfig(Record):
    """What is done to training pictures; validation pictures are only resized."""

    crop_scale: Range | None = (0.7, 1.0)
    """Area of a random resized crop as fractions of the picture; None: the whole picture."""
    crop_ratio: Range = (3 / 4, 4 / 3)
    """Width over height of the crop."""
    horizontal_flip: Fraction = 0.5
    """Probability."""

    @field_validator("crop_scale", "crop_ratio")
    @classmethod
    def _ordered(cls, value: Range | None) -> Range | None:
        if value is not None and value[0] > value[1]:
            raise ValueError(f"the lowest value must come first, got {list(value)}")
        return value

    @field_validator("crop_scale")
    @classmethod
    def _inside(cls, value: Range | None) -> Range | None:
        if value is not None and value[1] > 1.0:
            raise ValueError(f"a crop cannot be larger than the picture, got {list(value)}")
        return value


class TrainingConfig(Record):
    """How one trial trains."""

    epochs: Annotated[int, Field(ge=1)] = 10
    batch_size: Annotated[int, Field(ge=1)] = 64
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    """Peak of the schedule."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    """For sgd."""
    schedule: Literal["one_cycle", "cosine", "step", "constant"] = "one_cycle"
    warmup: Fraction = 0.3
    """Part of all steps in which one_cycle rises to its peak."""
    step_epochs: Annotated[int, Field(ge=1)] = 10
    """For schedule step: epochs between two drops."""
    step_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """For schedule step: what each drop multiplies the learning rate by."""
    label_smoothing: Annotated[float, Field(ge=0.0, le=0.2)] = 0.0
    class_weights: Literal["none", "inverse"] = "none"
    """inverse: a class weighs pictures / (classes * its pictures), scikit-learn's `balanced`."""
    gradient_clip: Positive | None = 1.0
    """Largest norm of all gradients together."""
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    """Epochs without a better metric after which a trial is complete; None: never."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto: bfloat16 where the device has it, else float16 on a GPU and float32 on a CPU."""
    seed: Seed = 0
    """Of weights, order and augmentation."""
    augmentation: AugmentationConfig = AugmentationConfig()


class SamplerConfig(Record):
    """Who proposes parameters."""

    name: Literal["tpe", "random", "qmc"] = "tpe"
    seed: Seed = 0
    """With the trial's number it decides the random stream of each proposal."""
    startup_trials: Annotated[int, Field(ge=0)] = 10
    """For tpe: trials drawn at random before it models anything."""


class PrunerConfig(Record):
    """Who ends hopeless trials early."""

    name: Literal["median", "percentile", "successive_halving", "none"] = "median"
    percentile: Annotated[float, Field(gt=0.0, le=100.0)] = 25.0
    """For percentile: the best share of the trials that is kept."""
    startup_trials: Annotated[int, Field(ge=0)] = 4
    """Finished trials before anything is pruned."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 2
    """Epochs of each trial in which it is never pruned."""
    min_epochs: Annotated[int, Field(ge=1)] = 1
    """For successive_halving: epochs of the first rung."""
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    """For successive_halving: one trial in so many goes on to the next rung."""


class BudgetConfig(Record):
    """When a study is done: at the first bound that is reached."""

    trials: Annotated[int, Field(ge=1, le=1_000_000)]
    gpu_hours: Positive | None = None
    """Device time of all workers together, counted while they hold trials (CPU hours on a CPU)."""
    hours: Positive | None = None
    """Wall-clock time in which the study was running."""


class SearchConfig(Record):
    """What is looked for and for how long."""

    metric: Literal["accuracy", "top5", "loss"] = "accuracy"
    """Measured on the validation split after every epoch; a trial's value is its best epoch's."""
    direction: Literal["maximize", "minimize"] = "maximize"
    sampler: SamplerConfig = SamplerConfig()
    pruner: PrunerConfig = PrunerConfig()
    budget: BudgetConfig
    warm_start: tuple[dict[str, Scalar | None], ...] = ()
    """Parameters tried first; those left out are sampled."""

    @property
    def sign(self) -> int:
        """1 to maximize, -1 to minimize: the better value is the one whose product is higher."""
        return 1 if self.direction == "maximize" else -1

    @model_validator(mode="after")
    def _direction(self) -> SearchConfig:
        wanted = "minimize" if self.metric == "loss" else "maximize"
        if self.direction != wanted:
            raise Misfit(
                "direction", f"must be {wanted} for metric {self.metric}, got {self.direction}"
            )
        return self


class ResourcesConfig(Record):
    """What a study takes and how patient it is."""

    slots_per_device: Annotated[int, Field(ge=1, le=64)] = 1
    """Trials a worker trains at once on its device."""
    cpu_threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Threads of one trial on a CPU; None: the cores are shared out between the workers."""
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


class StudyConfig(Record):
    """One study."""

    name: StudyName
    """Lower-case letters, digits and inner dashes, so that it can name cluster objects too."""
    data: DataConfig
    model: ModelConfig = DynamicCnnConfig()
    training: TrainingConfig = TrainingConfig()
    space: dict[str, Parameter] = {}
    """Dotted path of the value it fills in (`training.learning_rate`, `model.n_filters.0`)."""
    search: SearchConfig
    resources: ResourcesConfig = ResourcesConfig()
