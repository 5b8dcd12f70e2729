"""What a network's last linear layer is fed with: the network's own description of a picture.

Of a promoted model, or of the study's own network with the trained weights it begins from. Two
pictures with nearly the same one are the same to the network, whatever their pixels say. Knows
nothing of what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from study.config.models import BackboneConfig
from study.config.records import StudyConfig
from study.errors import UsageError
from worker.data.augment import Normaliser, whole
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.evaluation.logits import predict_logits
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.precision import resolve_precision
from worker.models.pretrained import begin_from_weights

BATCH = 64  # pictures


class Network(Protocol):
    """Something that is fed with packed pictures."""

    model: nn.Module

    def infer(self, squares: NDArray[np.uint8]) -> Tensor:
        """Logits (B, C) float32 of squares (B, P, P, C) uint8."""
        ...


class Pretrained:
    """A `Network`: the study's own, as its trials begin. Its last layer is new, what comes before
    is trained."""

    def __init__(self, config: StudyConfig, store: Store, device: str) -> None:
        """Raises UsageError where it would begin from nothing, ModelError for missing weights."""
        if not isinstance(config.model, BackboneConfig) or config.model.weights is None:
            raise UsageError(
                f"--features model: {config.model.name} begins without trained weights: set "
                "model.name and model.weights, or name a promoted model"
            )
        manifest = store.manifest
        self._size = config.data.image_size
        self._device = resolve_device(device)
        self._normalise = Normaliser(manifest.mean, manifest.std, self._device)
        self._dtype = resolve_precision(config.training.precision, self._device)
        model = build_model(
            config.model,
            channels=manifest.channels,
            image_size=self._size,
            n_classes=manifest.n_classes,
        )
        begin_from_weights(model, config.model, mean=manifest.mean, std=manifest.std)
        self.model = model.to(self._device)

    def infer(self, squares: NDArray[np.uint8]) -> Tensor:
        """See Network."""
        pixels = torch.from_numpy(squares).to(self._device)
        labels = torch.zeros(len(squares), dtype=torch.int64)  # not looked at
        batch = (self._normalise(whole(pixels, self._size)), labels)
        return predict_logits(self.model, [batch], dtype=self._dtype)[0]


def check_channels(store: Store, classifier: Classifier) -> None:
    """Raises UsageError where the model is fed with other channels than the store has."""
    wanted, got = classifier.described.fed["channels"], store.manifest.channels
    if wanted != got:
        raise UsageError(
            f"--features: the model takes {wanted} channels, the data set has {got}: "
            f"set data.channels={wanted}"
        )


def store_features(
    store: Store, network: Network, advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Features (N, D) float32 of all rows of a packed data set, of any packed size.

    advance: called with each number of pictures done. Raises UsageError for a network without a
    linear layer.
    """
    found: list[Tensor] = []
    layer = _last_linear(network.model)
    hook = layer.register_forward_pre_hook(
        lambda _, given: found.append(given[0].flatten(1).float().cpu())
    )
    try:
        for start in range(0, len(store.manifest.names), BATCH):
            squares = store.pixels[start : start + BATCH]
            network.infer(squares)
            advance(len(squares))
    finally:
        hook.remove()
    return torch.cat(found).numpy()


def _last_linear(model: nn.Module) -> nn.Linear:
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UsageError("--features: the model has no linear layer to take features before")
    return linear[-1]
