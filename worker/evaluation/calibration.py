"""How far from its training pictures other pictures of a model's own kind are: what an answer is
judged by.

A classifier always answers. Promotion notes what the features of its training pictures are like,
and how far those of the validation split are from them, which the model has not been fitted to
(likeness.py). Knows nothing of how features are compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np
import torch

from study.config.records import StudyConfig
from study.dataset import Split
from worker.data.epochs import rows_of
from worker.data.store import Store
from worker.evaluation.likeness import Likeness, fit
from worker.evaluation.measure import load_model
from worker.evaluation.network import Network
from worker.models.device import resolve_device
from worker.models.features import LAST, Features
from worker.models.weights import load_weights

QUANTILE = 0.01
"""Share of the validation split that is called unlike the training data."""
MOST = 4096  # pictures of a split that are looked at, evenly chosen
BATCH = 64  # pictures
SPLITS: tuple[Split, ...] = ("train", "val")  # fitted to, and measured by


class Calibration(TypedDict):
    """How it was made."""

    quantile: float
    """Share of the held-out pictures that are beyond the limit."""
    training: int
    """Pictures of the training split that were looked at."""
    held_out: int
    """The same of the validation split."""


def calibrate(
    config: StudyConfig, store: Path, weights: Path, *, device: str, threads: int
) -> tuple[Likeness, Calibration]:
    """Of a trial's kept weights. Arguments and errors as for worker.evaluation.measure.measure."""
    torch.set_num_threads(threads)
    opened = Store.open(store)
    if config.data.split.folds:  # what the model has not seen
        opened = opened.fold(load_weights(weights).meta["fold"])
    manifest = opened.manifest
    model = load_model(config, manifest, weights)
    where = resolve_device(device)
    network = Network(model, config, mean=manifest.mean, std=manifest.std, device=where)
    training, held_out = (_features(network, opened, split) for split in SPLITS)
    return fit(training, held_out, quantile=QUANTILE), Calibration(
        quantile=QUANTILE, training=len(training[LAST]), held_out=len(held_out[LAST])
    )


def _features(network: Network, store: Store, split: Split) -> Features:
    """Of a split's pictures, (N, D) each, on the CPU."""
    rows = rows_of(store.split(split))
    rows = rows[np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(np.int64)]
    found: list[Features] = []
    for start in range(0, len(rows), BATCH):
        _, features = network.look(store.pixels[rows[start : start + BATCH]])
        found.append({name: each.cpu() for name, each in features.items()})
    return {name: torch.cat([each[name] for each in found]) for name in found[0]}
