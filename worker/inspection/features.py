"""What a promoted model's last linear layer is fed with: the model's own description of a picture.

Two pictures with nearly the same one are the same to the model, whatever their pixels say. Knows
nothing of what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from study.errors import UsageError
from worker.data.store import Store
from worker.evaluation.classifier import Classifier

BATCH = 64  # pictures


def store_features(
    store: Store, classifier: Classifier, advance: Callable[[int], None]
) -> NDArray[np.float32]:
    """Features (N, D) float32 of all rows of a packed data set, of any packed size.

    advance: called with each number of pictures done. Raises UsageError where the model is fed with
    other channels, or has no linear layer.
    """
    wanted, got = classifier.described.fed["channels"], store.manifest.channels
    if wanted != got:
        raise UsageError(
            f"--features: the model takes {wanted} channels, the data set has {got}: "
            f"set data.channels={wanted}"
        )
    found: list[Tensor] = []
    layer = _last_linear(classifier.model)
    hook = layer.register_forward_pre_hook(lambda _, given: found.append(given[0].float().cpu()))
    try:
        for start in range(0, len(store.manifest.names), BATCH):
            squares = store.pixels[start : start + BATCH]
            classifier.infer(squares)
            advance(len(squares))
    finally:
        hook.remove()
    return torch.cat(found).numpy()


def _last_linear(model: nn.Module) -> nn.Linear:
    linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise UsageError("--features: the model has no linear layer to take features before")
    return linear[-1]
