"""Measures a trial's kept weights on one split, and writes them out for use.

What promotion rests on. Knows nothing of which trials are candidates.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import torch
from torch import Tensor, nn

from study import atomic
from study.config.records import StudyConfig
from study.dataset import DatasetManifest, Split, read_manifest
from study.errors import CheckpointCorrupt
from worker.data.batches import open_batches
from worker.data.store import Store
from worker.evaluation.logits import predict_logits
from worker.evaluation.metrics import summarise
from worker.models.build import build_model
from worker.models.device import resolve_device
from worker.models.misfit import misfit
from worker.models.precision import resolve_precision
from worker.models.weights import load_weights


def measure(
    config: StudyConfig, store: Path, weights: Path, split: Split, *, device: str, threads: int
) -> dict[str, float]:
    """The metrics of `weights` on a whole split, by the names a study can search for.

    config: the study's, filled in with the trial's parameters. device: as torch.device takes it, or
    auto. threads: of torch on a CPU, and for decoding. Raises CheckpointCorrupt for damaged
    weights, BadData for a data set that cannot be read or has no such split.
    """
    return summarise(*infer(config, store, weights, split, device=device, threads=threads))


def infer(
    config: StudyConfig, store: Path, weights: Path, split: Split, *, device: str, threads: int
) -> tuple[Tensor, Tensor]:
    """Logits (N, C) float32 and labels (N,) int64 of a whole split, on the device, in the store's
    order. Arguments and errors as for `measure`."""
    torch.set_num_threads(threads)
    where = resolve_device(device)
    opened = Store.open(store)
    if config.data.split.folds:  # what the model has not seen
        opened = opened.fold(load_weights(weights).meta["fold"])
    model = load_model(config, opened.manifest, weights)
    model = model.to(device=where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = open_batches(
        opened,
        split,
        data=config.data,
        training=config.training,
        augment=False,
        device=where,
        threads=threads,
    )
    with contextlib.closing(batches):
        dtype = resolve_precision(config.training.precision, where)
        return predict_logits(model, batches.epoch(0), dtype=dtype)


def export_model(weights: Path, config: StudyConfig, store: Path, target: Path) -> None:
    """Writes the state_dict alone to the file `target`, atomically: torch.load(target) gives it.

    Raises CheckpointCorrupt where `weights` are damaged or of another model, OSError.
    """
    model = load_model(config, read_manifest(store), weights)
    with atomic.replacing(target) as file:
        torch.save(model.state_dict(), file)


def load_model(config: StudyConfig, manifest: DatasetManifest, weights: Path) -> nn.Module:
    """The model of `config` for that data set, with the weights of the file; on the CPU."""
    model = build_model(
        config.model,
        channels=manifest.channels,
        image_size=config.data.image_size,
        n_classes=manifest.n_classes,
    )
    state = load_weights(weights).state
    if wrong := misfit(model, state):
        raise CheckpointCorrupt(f"{weights}: not of this configuration: {wrong}")
    model.load_state_dict(state)
    return model
