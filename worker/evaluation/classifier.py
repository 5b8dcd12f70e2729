"""A promoted model in use: from picture files to probabilities of classes.

Needs nothing but the folder that promotion wrote. Feeds the model as validation did, so that it is
as good as it was measured. Knows nothing of studies' databases and packed data sets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from study.config.data import DataConfig
from study.config.load import load_study
from study.errors import CheckpointCorrupt, DataError
from study.paths import CLASSES, CONFIG, NORMALIZATION, WEIGHTS
from worker.data.augment import Normaliser, whole
from worker.data.decode import Undecodable, decode
from worker.evaluation.logits import predict_logits
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.precision import resolve_precision


class Classifier:
    """Holds the model on one device. Use from one thread."""

    def __init__(self, directory: str | Path, *, device: str = "auto") -> None:
        """directory: `artifacts/<study>/promoted/latest`. device: as torch.device takes it or auto.

        Raises CheckpointCorrupt where the folder is not a whole promoted model.
        """
        directory = Path(directory)
        self._device = resolve_device(device)
        try:
            config = load_study(directory / CONFIG)
            self.classes: tuple[str, ...] = tuple(json.loads((directory / CLASSES).read_text()))
            fed = json.loads((directory / NORMALIZATION).read_text())
            model = build_model(
                config.model,
                channels=fed["channels"],
                image_size=fed["image_size"],
                n_classes=len(self.classes),
            )
            state = torch.load(directory / WEIGHTS, map_location="cpu", weights_only=True)
            model.load_state_dict(state)
        except Exception as error:  # over damaged weights torch raises anything
            raise CheckpointCorrupt(f"{directory}: not a promoted model: {error}") from error
        self._data: DataConfig = config.data
        self._normalise = Normaliser(fed["mean"], fed["std"], self._device)
        self._dtype = resolve_precision(config.training.precision, self._device)
        self._model: nn.Module = model.to(device=self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def classify(self, picture: str | Path) -> dict[str, float]:
        """The probability of each class, highest first. Raises DataError where the file is not a
        picture that can be decoded, OSError."""
        try:
            logits = self.logits([Path(picture).read_bytes()])
        except Undecodable as error:
            raise DataError(f"{picture}: {error}") from error
        probabilities = dict(zip(self.classes, logits.softmax(dim=1)[0].tolist(), strict=True))
        return dict(sorted(probabilities.items(), key=lambda item: -item[1]))

    def logits(self, contents: Sequence[bytes]) -> Tensor:
        """Logits (N, C) float32, on the device, of one batch of picture files.

        contents: their bytes. Raises Undecodable.
        """
        data = self._data
        into = data.packed_size, data.channels, data.fit
        squares = [decode(content, *into).pixels for content in contents]
        pixels = torch.from_numpy(np.stack(squares)).to(self._device)  # (N, P, P, C) uint8
        images = self._normalise(whole(pixels, data.image_size))
        labels = torch.zeros(len(contents), dtype=torch.int64)  # not looked at
        logits, _ = predict_logits(self._model, [(images, labels)], dtype=self._dtype)
        return logits
