"""A promoted model in use: from picture files to probabilities of classes.

Needs nothing but the folder that promotion wrote. Feeds the model as validation did, so that it is
as good as it was measured. Knows nothing of studies' databases and packed data sets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from study.config.load import load_study
from study.config.records import StudyConfig
from study.errors import CheckpointCorrupt, DataError
from study.paths import CLASSES, CONFIG, HISTORY, LIKENESS, METRICS, NORMALIZATION, WEIGHTS
from study.promotion import PromotedManifest, verify
from worker.data.decode import Undecodable, decode
from worker.evaluation.calibration import Calibration
from worker.evaluation.likeness import Likeness, load_likeness
from worker.evaluation.network import Network
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.misfit import misfit


@dataclass(frozen=True)
class Described:
    """What the files of a version say, but for the weights."""

    manifest: PromotedManifest
    config: StudyConfig
    """Filled in with the trial's parameters."""
    classes: tuple[str, ...]
    fed: dict[str, Any]
    """mean and std per channel in [0, 1], image_size, channels."""
    calibration: Calibration
    """How the likeness was made."""
    history: list[dict[str, Any]]
    """epoch and metrics of each epoch of the trial."""


class Classifier(Network):
    """Holds the model on one device. Use from one thread."""

    def __init__(self, directory: str | Path, *, device: str = "auto") -> None:
        """directory: `artifacts/<study>/promoted/latest`. device: as torch.device takes it or auto.

        Raises CheckpointCorrupt where the folder is not a whole promoted model.
        """
        directory = Path(directory)
        self.described = _read(directory)
        fed, where = self.described.fed, resolve_device(device)
        super().__init__(
            _load(directory, self.described),
            self.described.config,
            mean=fed["mean"],
            std=fed["std"],
            device=where,
        )
        self.likeness = _likeness(directory).to(where)

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return self.described.classes

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
        return self.infer(np.stack([self.square(content) for content in contents]))

    def square(self, content: bytes) -> NDArray[np.uint8]:
        """(P, P, C) uint8: a picture file as it would be packed. May be called from any thread.
        Raises Undecodable."""
        data = self.described.config.data
        return decode(content, data.packed_size, data.channels, data.fit).pixels

    def judge(self, squares: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """Logits (B, C) float32 and distances (B,) float32 from the training pictures, of which
        those above 1 are unlike them; on the device, of squares (B, P, P, C) uint8."""
        logits, features = self.look(squares)
        return logits, self.likeness.distances(features)


def _read(directory: Path) -> Described:
    manifest = verify(directory)
    try:
        return Described(
            manifest=manifest,
            config=load_study(directory / CONFIG),
            classes=tuple(json.loads((directory / CLASSES).read_text())),
            fed=json.loads((directory / NORMALIZATION).read_text()),
            calibration=json.loads((directory / METRICS).read_text())["calibration"],
            history=json.loads((directory / HISTORY).read_text()),
        )
    except Exception as error:  # of another release, or written by hand
        raise CheckpointCorrupt(f"{directory}: not a promoted model: {error!r}") from error


def _load(directory: Path, described: Described) -> nn.Module:
    """The model with its weights, on the CPU."""
    config, n_classes = described.config, len(described.classes)
    try:
        model = build_model(
            config.model,
            channels=described.fed["channels"],
            image_size=described.fed["image_size"],
            n_classes=n_classes,
        )
        state = torch.load(directory / WEIGHTS, map_location="cpu", weights_only=True)
    except Exception as error:  # over damaged weights torch raises anything
        raise CheckpointCorrupt(f"{directory}: not a promoted model: {error}") from error
    if wrong := misfit(model, state):
        raise CheckpointCorrupt(
            f"{directory}: {WEIGHTS} must be of {config.model.name} for {n_classes} classes, "
            f"as {CONFIG} and {CLASSES} say: {wrong}"
        )
    model.load_state_dict(state)
    return model


def _likeness(directory: Path) -> Likeness:
    """What the training pictures are like, on the CPU."""
    try:
        return load_likeness(directory / LIKENESS)
    except Exception as error:  # as above
        raise CheckpointCorrupt(f"{directory}: not a promoted model: {error}") from error
