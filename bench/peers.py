"""How others read pictures: torch's DataLoader with torchvision, and DALI as its documentation has
it. Each gives an epoch of batches, cropped, flipped, normalised, over the same files.

FFCV is not among them: it has no wheels, and its source asks for the headers of OpenCV and
libturbojpeg. Knows nothing of this project's own loaders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from study.config.augmentation import AugmentationConfig

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
AUGMENTATION = AugmentationConfig()

Epoch = Callable[[int], Iterator[tuple[Tensor, Tensor]]]
"""The batches of the epoch of a number: images (B, 3, S, S) float32 and labels (B,)."""


def data_loader(folder: Path, size: int, batch: int, workers: int, device: torch.device) -> Epoch:
    """As most write it: Pillow decodes, torchvision transforms picture by picture, in as many
    processes as there are cores, which stay."""
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(size, AUGMENTATION.crop_scale, AUGMENTATION.crop_ratio),
            transforms.RandomHorizontalFlip(AUGMENTATION.horizontal_flip),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
    return _epochs(ImageFolder(str(folder), pipeline), batch, workers, device)


def tuned_data_loader(
    folder: Path, size: int, batch: int, workers: int, device: torch.device
) -> Epoch:
    """The same with torchvision's decoder and its second transforms, on bytes as long as can be."""
    pipeline = v2.Compose(
        [
            v2.RandomResizedCrop(
                size, AUGMENTATION.crop_scale, AUGMENTATION.crop_ratio, antialias=True
            ),
            v2.RandomHorizontalFlip(AUGMENTATION.horizontal_flip),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )

    def decode(file: str) -> Tensor:
        pixels: Tensor = decode_image(file, ImageReadMode.RGB)
        return pixels

    return _epochs(ImageFolder(str(folder), pipeline, loader=decode), batch, workers, device)


def _epochs(pictures: ImageFolder, batch: int, workers: int, device: torch.device) -> Epoch:
    loader: DataLoader[Any] = DataLoader(
        pictures,
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
        pin_memory=device.type == "cuda",
    )

    def epoch(_: int) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in loader:
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    return epoch


def documented_dali(
    folder: Path, size: int, batch: int, workers: int, device: torch.device
) -> Epoch:
    """DALI's own ResNet-50 example: the reader shuffles, the decoder crops, one operator flips and
    normalises; its iterator for classification feeds torch."""
    from nvidia.dali import fn, pipeline_def, types
    from nvidia.dali.plugin.pytorch import DALIClassificationIterator, LastBatchPolicy

    on_gpu = device.type == "cuda"

    def graph() -> Any:
        encoded, labels = fn.readers.file(
            file_root=str(folder), random_shuffle=True, pad_last_batch=True, name="Reader"
        )
        images = fn.decoders.image_random_crop(
            encoded,
            device="mixed" if on_gpu else "cpu",
            output_type=types.RGB,
            random_aspect_ratio=list(AUGMENTATION.crop_ratio),
            random_area=list(AUGMENTATION.crop_scale or (1.0, 1.0)),
            num_attempts=10,
        )
        images = fn.resize(
            images, resize_x=size, resize_y=size, interp_type=types.INTERP_TRIANGULAR
        )
        mirrored = fn.random.coin_flip(probability=AUGMENTATION.horizontal_flip)
        images = fn.crop_mirror_normalize(
            images,
            dtype=types.FLOAT,
            output_layout="CHW",
            crop=(size, size),
            mean=[255 * value for value in MEAN],
            std=[255 * value for value in STD],
            mirror=mirrored,
        )
        return images, labels

    built = pipeline_def(graph)(
        batch_size=batch, num_threads=workers, device_id=device.index or 0 if on_gpu else None
    )
    batches = DALIClassificationIterator(
        built, reader_name="Reader", last_batch_policy=LastBatchPolicy.DROP, auto_reset=True
    )

    def epoch(_: int) -> Iterator[tuple[Tensor, Tensor]]:
        for (one,) in batches:
            yield one["data"], one["label"].squeeze(-1).to(device, torch.int64)

    return epoch
