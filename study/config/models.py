"""The section `model`: one record for each kind of network, with every default.

`name` says which: one of this project's own kinds, or by any other name a backbone that is built
elsewhere. Knows nothing of how a network is built (worker/models).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from study.config.constraints import Fraction, Misfit, OddSide, PathText, Positive
from study.config.document import Scalar
from study.config.nearest import hint
from study.config.record import Record

Filters = Annotated[int, Field(ge=1, le=2048)]
Units = Annotated[int, Field(ge=1, le=8192)]
Depth = Annotated[int, Field(ge=1, le=8)]
Dropout = Annotated[float, Field(ge=0.0, lt=1.0)]
TORCH_HOME = "torch_home"
Activation = Literal["relu", "gelu", "silu", "mish"]


class DynamicCnnConfig(Record):
    """`n_layers` blocks of Conv2d, BatchNorm2d, ReLU, MaxPool2d, then one hidden layer."""

    name: Literal["dynamic_cnn"] = "dynamic_cnn"
    n_layers: Depth = 3
    n_filters: tuple[Filters, ...] = (32, 64, 128, 256)
    """Filters per block; the first n_layers count."""
    kernel_sizes: tuple[OddSide, ...] = (3, 3, 3, 3)
    """Odd kernel sides per block, pixels; the first n_layers count."""
    fc_size: Units = 256
    """Units of the hidden layer."""
    dropout: Dropout = 0.2

    @model_validator(mode="after")
    def _enough(self) -> DynamicCnnConfig:
        for name, values in (("n_filters", self.n_filters), ("kernel_sizes", self.kernel_sizes)):
            if len(values) < self.n_layers:
                raise Misfit(
                    "n_layers",
                    f"must be at most {len(values)}, for {name} lists no more, got {self.n_layers}",
                )
        return self


class PlainCnnConfig(Record):
    """`conv_layers` blocks of Conv2d, activation, MaxPool2d, whose widths follow one factor, then
    one hidden layer."""

    name: Literal["plain_cnn"] = "plain_cnn"
    conv_layers: Depth = 5
    first_layer_filters: Filters = 32
    filter_org: Annotated[float, Field(gt=0.0, le=4.0)] = 1.0
    """Filters of a block over those of the block before."""
    kernel_size: OddSide = 3
    """Of every block."""
    activation: Activation = "relu"
    batch_norm: bool = True
    """Between convolution and activation."""
    dense: Units = 256
    """Units of the hidden layer."""
    dropout: Dropout = 0.2


class AlexNetBnConfig(Record):
    """AlexNet's five convolutions, each with batch normalisation, and three hidden layers of 4096,
    4096 and 512 units. (`alexnet` alone is torchvision's, without normalisation.)"""

    name: Literal["alexnet_bn"] = "alexnet_bn"
    dropout: Dropout = 0.5
    """Before each of the first two hidden layers."""


class ResidualCnnConfig(Record):
    """Residual blocks of two convolutions in stages of growing width, then an average over the
    picture and one linear layer."""

    name: Literal["residual_cnn"] = "residual_cnn"
    n_filters: Annotated[tuple[Filters, ...], Field(min_length=1, max_length=8)] = (
        *(32, 64, 128, 256),
    )
    """Filters per stage; each stage after the first halves the picture."""
    blocks: Annotated[int, Field(ge=1, le=8)] = 1
    """Residual blocks per stage."""
    dropout: Dropout = 0.2
    """Dropout2d, of whole channels, in the deeper half of the stages."""


def _known(name: str) -> str:
    """Misspelt names of our own kinds are told here, others where the libraries are at hand."""
    written = re.fullmatch(r"timm/[\w./-]+|\w+(\.\w+)*:\w+(\.\w+)*|\w+", name, re.ASCII)
    misspelt = name not in OWN and get_close_matches(name, OWN, n=1, cutoff=0.85)
    if not written or misspelt:
        raise ValueError(f"unknown model, got {name!r}{hint(name, VALID)}")
    return name


ModelName = Annotated[str, AfterValidator(_known)]
"""One of our own kinds, or what a backbone is called elsewhere."""


class BackboneConfig(Record):
    """A network by a name that others gave it, with a new last layer."""

    name: ModelName
    """torchvision's name (`resnet18`), timm's (`timm/resnet18`), or where Python finds a callable
    that makes it (`package.module:factory`)."""
    weights: PathText | None = None
    """Trained weights to begin from: a file, or `torch_home` for the one torchvision would have
    downloaded, in TORCH_HOME. Nothing is ever downloaded. None: fresh weights."""
    mean: tuple[Fraction, Fraction, Fraction] | None = None
    """Per channel in [0, 1]: what the weights were trained to see subtracted. None: what the
    library says of its network; for an import path ImageNet's."""
    std: tuple[Positive, Positive, Positive] | None = None
    """The same of what pixels were divided by."""
    arguments: dict[str, Scalar | None] = Field(default_factory=dict)
    """Keyword arguments of the callable that makes the network."""
    dropout: Dropout | None = None
    """Before the new last layer. None: as the network has it."""
    frozen_epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs at the beginning in which only the last layer learns."""
    backbone_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Learning rate of the first layers over that of the last; those between lie between,
    geometrically."""


OWN: dict[str, type[Record]] = {
    "dynamic_cnn": DynamicCnnConfig,
    "plain_cnn": PlainCnnConfig,
    "alexnet_bn": AlexNetBnConfig,
    "residual_cnn": ResidualCnnConfig,
}
"""The kinds of network that are built here, by name."""

VALID = (*OWN, "torchvision's names such as resnet18", "timm/<name>", "package.module:factory")

BACKBONE = "backbone"  # the tag of all names that are not in OWN

TAGS: dict[str, type[Record]] = {**OWN, BACKBONE: BackboneConfig}


def tag_of(model: Any) -> str:
    """Which record a section is, as a record or as plain values, right or wrong."""
    name: Any = "dynamic_cnn"
    if isinstance(model, Record):
        name = getattr(model, "name", None)
    elif isinstance(model, dict):
        name = model.get("name", name)
    return name if isinstance(name, str) and name in OWN else BACKBONE


ModelConfig = Annotated[
    Annotated[DynamicCnnConfig, Tag("dynamic_cnn")]
    | Annotated[PlainCnnConfig, Tag("plain_cnn")]
    | Annotated[AlexNetBnConfig, Tag("alexnet_bn")]
    | Annotated[ResidualCnnConfig, Tag("residual_cnn")]
    | Annotated[BackboneConfig, Tag(BACKBONE)],
    Discriminator(tag_of),
]
