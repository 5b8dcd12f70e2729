"""One contract over every loader: the same pictures, in the same order, in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from study.config.augmentation import AugmentationConfig
from study.config.data import DataConfig
from study.config.training import TrainingConfig
from study.errors import BadData
from tests.worker.data.augmentations import EVERYTHING
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import encoded, jpeg, png, smooth, write_tree, write_zip
from worker.data.batches import Batches, open_batches
from worker.data.choice import has_dali
from worker.data.store import Store

LOADERS = ["resident", "torchvision", *(["dali"] if has_dali() else [])]
CPU = torch.device("cpu")
Batch = tuple[Tensor, Tensor]


def mixed_pictures() -> dict[str, bytes]:
    """JPEG and PNG of several shapes, and some that no fast decoder does alike."""
    files = {f"daisy/{n}.jpg": jpeg(n, 60 + n, 50) for n in range(16)}
    files |= {f"rose/{n}.png": png(100 + n, 40, 55 + n) for n in range(16)}
    exif = Image.Exif()
    exif[0x0112] = 3
    return files | {
        "rose/cmyk.jpg": encoded(smooth(50, 60, 60).convert("CMYK"), "JPEG", quality=95),
        "rose/palette.png": encoded(smooth(51).quantize(16)),
        "rose/clear.png": encoded(smooth(52).convert("RGBA").rotate(30)),
        "daisy/gray.png": encoded(smooth(53).convert("L")),
        "daisy/turned.jpg": encoded(smooth(54), "JPEG", quality=95, exif=exif),
        "daisy/moving.gif": encoded(smooth(55), "GIF", save_all=True, append_images=[smooth(56)]),
        "daisy/bitmap.bmp": encoded(smooth(57), "BMP"),
    }


class Opened:
    """Opens loaders over one store and closes them at the end of the test."""

    def __init__(self, store: Store, **data: object) -> None:
        self.store = store
        self.data = DataConfig.model_validate({"source": "-", "image_size": 24, **data})
        self._open: list[Batches] = []

    def __call__(
        self,
        loader: str,
        split: str = "train",
        *,
        augment: bool = True,
        batch_size: int = 8,
        **training: object,
    ) -> Batches:
        batches = open_batches(
            self.store,
            split,
            data=self.data.model_copy(update={"loader": loader}),
            training=TrainingConfig.model_validate(
                {
                    "batch_size": batch_size,
                    "seed": 5,
                    "augmentation": AugmentationConfig(crop_scale=(0.3, 1)),
                    **training,
                }
            ),
            augment=augment,
            device=CPU,
            threads=2,
        )
        self._open.append(batches)
        return batches

    def close(self) -> None:
        for batches in self._open:
            batches.close()


@pytest.fixture(params=["crop", "pad", "stretch"])
def fit(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(pack: Pack, tmp_path: Path) -> Iterator[Opened]:
    store = pack(write_zip(tmp_path / "flowers.zip", mixed_pictures()), image_size=24)
    opened = Opened(store)
    yield opened
    opened.close()


def joined(batches: Iterator[Batch]) -> Batch:
    images, labels = zip(*batches, strict=True)
    return torch.cat(images), torch.cat(labels)


@pytest.mark.parametrize("loader", LOADERS)
def test_batches_come_in_the_form_the_model_takes(loader: str, opened: Opened) -> None:
    for images, labels in opened(loader).epoch(0):
        assert images.shape == (8, 3, 24, 24)
        assert images.dtype == torch.float32
        assert images.is_contiguous(memory_format=torch.channels_last)
        assert labels.shape == (8,)
        assert labels.dtype == torch.int64


@pytest.mark.parametrize("loader", LOADERS)
def test_evaluation_sees_every_picture_once_in_store_order(loader: str, opened: Opened) -> None:
    for split, part in opened.store.manifest.splits.items():
        batches = opened(loader, split, augment=False, batch_size=5)
        images, labels = joined(batches.epoch(3))
        assert batches.steps == -(-part.size // 5)
        assert len(images) == batches.images == part.size
        assert labels.tolist() == opened.store.labels[part.start : part.stop].tolist()


def test_resident_evaluation_is_the_stored_pictures_normalised(opened: Opened) -> None:
    images, _ = joined(opened("resident", augment=False).epoch(0))
    mean = torch.tensor(opened.store.manifest.mean).view(3, 1, 1)
    std = torch.tensor(opened.store.manifest.std).view(3, 1, 1)
    stored = torch.from_numpy(opened.store.pixels[: len(images)]).permute(0, 3, 1, 2) / 255
    torch.testing.assert_close(images * std + mean, stored, atol=1e-5, rtol=0)
    assert images.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert (images.std(dim=(0, 2, 3)) - 1).abs().max() < 1e-3


@pytest.mark.parametrize("loader", LOADERS[1:])
@pytest.mark.parametrize("augment", [False, True])
def test_a_stream_shows_the_packed_pictures(
    loader: str, augment: bool, fit: str, pack: Pack, tmp_path: Path
) -> None:
    tree = write_tree(tmp_path / "flowers", mixed_pictures())
    opened = Opened(pack(tree, image_size=24, fit=fit), fit=fit)
    images, labels = joined(opened("resident", augment=augment).epoch(1))
    streamed, streamed_labels = joined(opened(loader, augment=augment).epoch(1))
    opened.close()
    assert streamed_labels.tolist() == labels.tolist()
    std = torch.tensor(opened.store.manifest.std).view(3, 1, 1)
    difference = ((streamed - images) * std * 255).abs()  # levels of 255
    assert difference.mean() < 1
    assert difference.max() < 16


@pytest.mark.parametrize("loader", LOADERS[1:])
def test_gray_pictures_stream_as_packed(loader: str, pack: Pack, tmp_path: Path) -> None:
    files = {
        f"{label}/{n}.png": encoded(smooth(100 * n + len(label)).convert("L"))
        for label in ("daisy", "rose")
        for n in range(6)
    }
    store = pack(write_tree(tmp_path / "flowers", files), image_size=24, channels=1)
    assert not store.manifest.converted
    opened = Opened(store, channels=1)
    packed, _ = joined(opened("resident", augment=False).epoch(0))
    streamed, _ = joined(opened(loader, augment=False).epoch(0))
    opened.close()
    assert streamed.shape[1:] == (1, 24, 24)
    assert ((streamed - packed) * store.manifest.std[0] * 255).abs().mean() < 1


@pytest.mark.parametrize("loader", LOADERS)
def test_an_epoch_repeats_exactly_and_differs_from_the_next(loader: str, opened: Opened) -> None:
    first, labels = joined(opened(loader).epoch(1))
    again, same_labels = joined(opened(loader).epoch(1))
    assert torch.equal(first, again)
    assert torch.equal(labels, same_labels)
    other, _ = joined(opened(loader).epoch(2))
    assert not torch.equal(first, other)


@pytest.mark.parametrize("loader", LOADERS)
def test_an_epoch_started_in_the_middle_is_the_rest_of_it_bit_for_bit(
    loader: str, opened: Opened
) -> None:
    whole = list(opened(loader, batch_size=4).epoch(1))
    rest = list(opened(loader, batch_size=4).epoch(1, start_step=3))
    assert len(rest) == len(whole) - 3
    for (images, labels), (wanted, wanted_labels) in zip(rest, whole[3:], strict=True):
        assert torch.equal(images, wanted)
        assert torch.equal(labels, wanted_labels)


@pytest.mark.parametrize("loader", LOADERS)
def test_with_all_augmentations_every_loader_begins_anywhere_and_gives_the_same_labels(
    loader: str, opened: Opened
) -> None:
    options: dict[str, Any] = {"batch_size": 4, "augmentation": EVERYTHING}
    _, resident = joined(opened("resident", **options).epoch(1))
    whole, labels = joined(opened(loader, **options).epoch(1))
    rest, rest_labels = joined(opened(loader, **options).epoch(1, start_step=3))
    assert torch.equal(rest, whole[12:])
    assert torch.equal(rest_labels, labels[12:])
    assert torch.equal(labels, resident)
    assert labels.shape == (len(whole), 2)


@pytest.mark.parametrize("loader", LOADERS)
def test_an_epoch_left_early_does_not_disturb_the_next(loader: str, opened: Opened) -> None:
    batches = opened(loader, batch_size=4)
    wanted = list(batches.epoch(2))
    left = batches.epoch(1)
    next(left)
    left.close()
    for (images, _), (same, _) in zip(batches.epoch(2), wanted, strict=True):
        assert torch.equal(images, same)


@pytest.mark.parametrize("loader", LOADERS)
def test_training_drops_a_partial_batch_unless_it_is_the_only_one(
    loader: str, opened: Opened
) -> None:
    total = opened.store.manifest.splits["train"].size
    batches = opened(loader, batch_size=total - 1)
    assert (batches.steps, batches.images) == (1, total - 1)
    assert [len(labels) for _, labels in batches.epoch(0)] == [total - 1]
    batches = opened(loader, batch_size=total + 1)
    assert (batches.steps, batches.images) == (1, total)
    assert [len(labels) for _, labels in batches.epoch(0)] == [total]


def test_every_picture_is_trained_on_once_an_epoch(opened: Opened) -> None:
    total = opened.store.manifest.splits["train"].size
    _, labels = joined(opened("resident", batch_size=total).epoch(4))
    counts = opened.store.manifest.splits["train"].class_counts
    assert torch.bincount(labels).tolist() == list(counts)


def test_a_balanced_epoch_shows_every_class_equally_often(pack: Pack, tmp_path: Path) -> None:
    files = {f"daisy/{n}.png": png(n) for n in range(24)}
    files |= {f"rose/{n}.png": png(50 + n) for n in range(6)}
    opened = Opened(pack(write_tree(tmp_path / "flowers", files)), image_size=16)
    total = opened.store.manifest.splits["train"].size
    balanced = opened("resident", batch_size=total, sampling="balanced")
    _, labels = joined(balanced.epoch(4))
    shown = torch.bincount(labels).tolist()
    assert sum(shown) == total
    assert max(shown) - min(shown) <= 1
    rows = opened("resident", augment=False, sampling="balanced").epoch(0)
    assert joined(rows)[1].tolist() == opened.store.labels[:total].tolist()
    opened.close()


@pytest.mark.parametrize("loader", LOADERS[1:])
def test_a_streamed_file_that_is_gone_or_broken_is_named(
    loader: str, pack: Pack, tmp_path: Path
) -> None:
    tree = write_tree(tmp_path / "flowers", mixed_pictures())
    opened = Opened(pack(tree, image_size=24))
    name = opened.store.manifest.names[0]
    content = (tree / name).read_bytes()
    (tree / name).write_bytes(content[:200])
    batches = opened(loader, augment=False)
    with pytest.raises(BadData):
        joined(batches.epoch(0))
    (tree / name).unlink()
    with pytest.raises(BadData, match=f"{name} was packed, now"):
        joined(opened(loader, augment=False).epoch(0))
    opened.close()


def test_a_stream_whose_source_is_gone_says_so(pack: Pack, tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "flowers.zip", mixed_pictures())
    opened = Opened(pack(archive, image_size=24))
    archive.unlink()
    with pytest.raises(BadData, match="streaming reads the files the store was packed from"):
        opened("torchvision")
    opened("resident")
    opened.close()
