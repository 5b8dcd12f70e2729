"""A model that is fed as validation was: from packed squares to logits, and to what it notes of
them on the way.

Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from study.config.records import StudyConfig
from worker.data.augment import Normaliser, whole
from worker.evaluation.logits import predict_logits
from worker.models.features import Features, noted
from worker.models.precision import resolve_precision


class Network:
    """Holds the model on one device. Use from one thread."""

    def __init__(
        self,
        model: nn.Module,
        config: StudyConfig,
        *,
        mean: Sequence[float],
        std: Sequence[float],
        device: torch.device,
    ) -> None:
        """mean, std: what the model's input is normalised by, per channel in [0, 1]."""
        self.model: nn.Module = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device
        self._size = config.data.image_size
        self._normalise = Normaliser(mean, std, device)
        self._dtype = resolve_precision(config.training.precision, device)

    def images(self, squares: NDArray[np.uint8]) -> Tensor:
        """(B, C, S, S) float32, normalised, on the device, of squares (B, P, P, C) uint8."""
        return self._normalise(whole(torch.from_numpy(squares).to(self.device), self._size))

    def infer(self, squares: NDArray[np.uint8]) -> Tensor:
        """Logits (B, C) float32, on the device, of squares (B, P, P, C) uint8."""
        labels = torch.zeros(len(squares), dtype=torch.int64)  # not looked at
        logits, _ = predict_logits(self.model, [(self.images(squares), labels)], dtype=self._dtype)
        return logits

    def look(self, squares: NDArray[np.uint8]) -> tuple[Tensor, Features]:
        """The same with the features that were noted on the way."""
        with noted(self.model) as features:
            logits = self.infer(squares)
        return logits, features
