"""A version as promotion leaves it, written without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from study.config.dump import dump
from study.config.records import StudyConfig
from study.promotion import PromotedManifest, describe_file
from worker.data.batches import open_batches
from worker.data.store import Store
from worker.evaluation.calibration import calibrate
from worker.evaluation.likeness import save_likeness
from worker.evaluation.measure import export_model
from worker.models.build import build_model
from worker.models.weights import save_weights

CPU = torch.device("cpu")


def train(config: StudyConfig, store: Path, directory: Path, *, epochs: int = 8) -> Path:
    """Weights of a model that has learned the store's pictures, as a trial keeps them."""
    torch.manual_seed(0)
    opened = Store.open(store)
    manifest = opened.manifest
    model = build_model(
        config.model,
        channels=manifest.channels,
        image_size=config.data.image_size,
        n_classes=manifest.n_classes,
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batches = open_batches(
        opened,
        "train",
        data=config.data,
        training=config.training,
        augment=False,
        device=CPU,
        threads=1,
    )
    for epoch in range(epochs):
        for images, labels in batches.epoch(epoch):
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
    batches.close()
    return directory / save_weights(directory, "best-0001-00000", model.state_dict(), {"epoch": 0})


def promote(config: StudyConfig, store: Path, weights: Path, folder: Path) -> Path:
    """The files of a version, with their manifest."""
    manifest = Store.open(store).manifest
    export_model(weights, config, store, folder / "weights.pt")
    (folder / "config.yaml").write_text(dump(config))
    likeness, calibration = calibrate(config, store, weights, device="cpu", threads=1)
    save_likeness(likeness, folder / "likeness.pt")
    fed = {
        "mean": manifest.mean,
        "std": manifest.std,
        "image_size": config.data.image_size,
        "channels": manifest.channels,
    }
    history = [
        {
            "epoch": epoch,
            "metrics": {"train_loss": 2 - 0.5 * epoch, "loss": 2.1 - 0.5 * epoch, "accuracy": 0.5},
        }
        for epoch in range(3)
    ]
    measured = {"winner": 0, "validation": {"0": {}}, "calibration": calibration}
    write_json(folder / "classes.json", manifest.classes)
    write_json(folder / "normalization.json", fed)
    write_json(folder / "history.json", history)
    write_json(folder / "metrics.json", measured)
    seal(folder, manifest.content)
    return folder


def seal(folder: Path, store: str) -> None:
    """Writes the manifest anew: the files are as they are meant to be."""
    manifest = PromotedManifest(
        study="shapes",
        version=1,
        trial=0,
        store=store,
        candidates=(0,),
        created="2026-01-01T00:00:00+00:00",
        files={
            file.name: describe_file(file)
            for file in sorted(folder.iterdir())
            if file.name != "manifest.json"
        },
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())


def write_json(file: Path, content: Any) -> None:
    """Replaces a file of a version."""
    file.write_text(json.dumps(content))
