"""A network that others designed, made into a classifier of this data set.

The last layer is a new one. The weights' own normalisation and the part of the network that learns
are set from outside. Knows nothing of where the network comes from (library.py) and of files
(pretrained.py).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from study.config.models import BackboneConfig
from study.errors import Infeasible

STAGES = 4  # parts of a network with a learning rate each: as many as halve the picture in most


class Backbone(nn.Module):
    """The network between a change of normalisation and a new last layer."""

    scale: Tensor
    shift: Tensor

    def __init__(self, config: BackboneConfig, network: nn.Module, *, n_classes: int) -> None:
        """network: (B, 3, S, S) to (B, anything); its last layer is replaced. Raises Infeasible
        where it has none."""
        super().__init__()
        self.network = network
        self.head_name = last_layer(network)
        network.set_submodule(
            self.head_name, _new_layer(network, self.head_name, config, n_classes)
        )
        self._frozen_epochs = config.frozen_epochs
        self._rate = config.backbone_rate
        self._frozen = False
        # of what the network sees over what the data set's normalisation gives; part of the state,
        # so that a promoted or exported model needs no more than its weights
        self.register_buffer("scale", torch.ones(1, 3, 1, 1))
        self.register_buffer("shift", torch.zeros(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, 1 or 3, S, S) float; a gray picture is seen in three equal channels. Returns
        logits (B, n_classes)."""
        logits: Tensor = self.network(images * self.scale + self.shift)
        return logits

    def begin_epoch(self, epoch: int) -> None:
        """Freezes all but the last layer in the first epochs, counted from 0, and no later."""
        self._frozen = epoch < self._frozen_epochs
        for parameter in self.body().values():
            parameter.requires_grad_(not self._frozen)

    def train(self, mode: bool = True) -> Backbone:
        """A frozen network stays in evaluation mode: its batch norms neither learn nor look at the
        batch."""
        super().train(mode)
        if self._frozen:
            self.network.eval()
            self.network.get_submodule(self.head_name).train(mode)
        return self

    def body(self) -> dict[str, nn.Parameter]:
        """All of the network's parameters but the new layer's, in its order."""
        head = f"{self.head_name}."
        named = self.network.named_parameters()
        return {name: parameter for name, parameter in named if not name.startswith(head)}

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Parameters by their learning rate over that of the last layer.

        Discriminative fine-tuning: Howard and Ruder, https://arxiv.org/abs/1801.06146, section 3.2.
        Layers are taken in the order in which the network registers them, first to last.
        """
        body = list(self.body().values())
        stages = STAGES if self._rate < 1 else 1
        groups = [
            (
                self._rate ** (1 - stage / stages),
                body[stage * len(body) // stages : (stage + 1) * len(body) // stages],
            )
            for stage in range(stages)
        ]
        return [*groups, (1.0, list(self.network.get_submodule(self.head_name).parameters()))]


def parameter_rates(model: nn.Module) -> list[tuple[float, list[nn.Parameter]]]:
    """Parameters by what the schedule's learning rate is multiplied by for them."""
    return model.rates() if isinstance(model, Backbone) else [(1.0, list(model.parameters()))]


def begin_epoch(model: nn.Module, epoch: int) -> None:
    """Training mode, as it is in that epoch."""
    if isinstance(model, Backbone):
        model.begin_epoch(epoch)
    model.train()


def last_layer(network: nn.Module) -> str:
    """Dotted name of the layer that gives the logits: the last linear one, or convolution."""
    layers = [
        name for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    if not layers or not layers[-1]:
        raise Infeasible(
            "a backbone must end with a linear layer or a convolution, "
            f"got {type(network).__name__}"
        )
    last: str = layers[-1]
    return last


def _new_layer(network: nn.Module, name: str, config: BackboneConfig, n_classes: int) -> nn.Module:
    old = network.get_submodule(name)
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, n_classes, 1)
    else:
        assert isinstance(old, nn.Linear)
        new = nn.Linear(old.in_features, n_classes)
    if config.dropout is None:
        return new
    for beside in network.get_submodule(name.rpartition(".")[0]).children():
        if isinstance(beside, nn.Dropout):
            beside.p = 0.0  # the network's own would come on top
    return nn.Sequential(nn.Dropout(config.dropout), new)
