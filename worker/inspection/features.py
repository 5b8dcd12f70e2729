"""What a network's last linear layer is fed with: the network's own description of a picture.

Of a promoted model, or of the study's own network with the trained weights it begins from. Two
pictures with nearly the same one are the same to the network, whatever their pixels say. Knows
nothing of what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from study.config.models import BackboneConfig
from study.config.records import StudyConfig
from study.errors import UsageError
from worker.data.store import Store
from worker.evaluation.classifier import Classifier
from worker.evaluation.network import Network
from worker.models.device import resolve_device
from worker.models.features import LAST, last_linear
from worker.models.pretrained import initial_model

BATCH = 64  # pictures


def pretrained(config: StudyConfig, store: Store, device: str) -> Network:
    """The study's own network, as its trials begin: its last layer is new, what comes before is
    trained. Raises UsageError where it would begin from nothing, ModelError for missing weights."""
    if not isinstance(config.model, BackboneConfig) or config.model.weights is None:
        raise UsageError(
            f"--features model: {config.model.name} begins without trained weights: set "
            "model.name and model.weights, or name a promoted model"
        )
    manifest = store.manifest
    model = initial_model(config, manifest)
    where = resolve_device(device)
    return Network(model, config, mean=manifest.mean, std=manifest.std, device=where)


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
    if last_linear(network.model) is None:
        raise UsageError("--features: the model has no linear layer to take features before")
    found: list[Tensor] = []
    for start in range(0, len(store.manifest.names), BATCH):
        squares = store.pixels[start : start + BATCH]
        found.append(network.look(squares)[1][LAST].cpu())
        advance(len(squares))
    return torch.cat(found).numpy()
