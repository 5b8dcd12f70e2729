"""Each shipped study trains on pictures that lie as its own do: trials of its space, shortened.

In this process, without a database; tests/e2e runs a study from the command line.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from study.config.fill import active, fill
from study.config.load import load_study
from study.config.middle import middle
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.paths import DataPaths
from tests.pictures import draw_classes
from worker.assigned import new_learner, open_split
from worker.data.prepare import prepare
from worker.data.store import Store
from worker.evaluation.logits import predict_logits
from worker.messages import Assignment

CONFIGS = Path(__file__).parents[2] / "configs"


def as_inaturalist(folder: Path) -> Path:
    """An archive of train and val, of which the latter is the test set."""
    for split, pictures in {"train": 10, "val": 2}.items():
        draw_classes(folder / "inaturalist_12K" / split, classes=10, per_class=pictures)
    archive = folder / "nature_12K.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for picture in sorted(folder.rglob("*.png")):
            file.write(picture, picture.relative_to(folder))
    return archive


def as_birds(folder: Path) -> Path:
    """Folders train and val."""
    for split, pictures in {"train": 4, "val": 2}.items():
        draw_classes(folder / split, classes=25, per_class=pictures, side=32)
    return folder


def as_simpsons(folder: Path) -> Path:
    """42 folders, of which 20 have a picture more, and pictures without a class beside them."""
    root = draw_classes(folder / "simpsons_dataset", classes=42, per_class=5, side=42)
    for label in range(20, 42):
        (root / f"class-{label}" / "000.png").unlink()
    unlabelled = folder / "kaggle_simpson_testset"
    unlabelled.mkdir()
    (root / "class-41" / "001.png").rename(unlabelled / "somebody_1.png")
    return folder


STUDIES: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "inaturalist": (as_inaturalist, ["data.image_size=32"]),
    "birds": (
        as_birds,
        [
            "data.image_size=63",
            "data.store_size=64",
            "training.optimizer=sgd",
            "training.momentum=0",
        ],
    ),
    "simpsons": (
        as_simpsons,
        [
            "data.image_size=64",
            "data.store_size=72",
            "training.batch_size=16",
            "model.weights=null",
        ],
    ),
}
SPLITS = {"inaturalist": (80, 20, 20), "birds": (75, 50, 25), "simpsons": (60, 20, 20)}


def first(study: StudyConfig) -> dict[str, Scalar | None]:
    """The parameters of the trial at the beginning of all ranges."""
    chosen: dict[str, Scalar | None] = {}
    for name, parameter in study.space.items():
        if active(parameter, chosen):
            chosen[name] = next(parameter.probes())[1]
    return chosen


def trained(study: StudyConfig, store: Store) -> Tensor:
    """Logits of the validation split after one epoch, as a trial's process trains it. Without its
    files: those of 59 million parameters would take longer than all else."""
    assignment = Assignment(
        config=study,
        store=store.path,
        directory=store.path,
        device="cpu",
        threads=torch.get_num_threads(),
        last_epoch=None,
    )
    device = torch.device("cpu")
    learner = new_learner(study, store, device)
    learner.begin_epoch(0)
    with (
        contextlib.closing(open_split(assignment, store, device, augment=True)) as train,
        contextlib.closing(open_split(assignment, store, device, augment=False)) as val,
    ):
        for images, labels in train.epoch(0):
            learner.step(images, labels, 1e-4)
        logits, _ = predict_logits(learner.model, val.epoch(0), dtype=learner.dtype)
    return logits


@pytest.mark.parametrize("name", STUDIES)
def test_a_shipped_study_trains_on_pictures_in_its_own_layout(name: str, tmp_path: Path) -> None:
    draw, overrides = STUDIES[name]
    (tmp_path / "pictures").mkdir()
    source = draw(tmp_path / "pictures")
    study = load_study(
        CONFIGS / f"{name}.yaml", [f"data.source={source}", "training.epochs=1", *overrides]
    )
    path = prepare(study.data, DataPaths(tmp_path / "data"), processes=1, progress=lambda *_: None)
    store = Store.open(path)
    assert tuple(store.split(split).size for split in ("train", "val", "test")) == SPLITS[name]

    kinds = set()
    # AlexNet is the same 59 million parameters in all trials: one is enough
    trials = [middle(study.space)] if name == "birds" else [first(study), middle(study.space)]
    for parameters in trials:
        config = fill(study, parameters)
        logits = trained(config, store)
        assert logits.shape == (store.split("val").size, store.manifest.n_classes)
        assert logits.isfinite().all()
        kinds.add(config.model.name)
    assert len(kinds) == (2 if name == "simpsons" else 1)
