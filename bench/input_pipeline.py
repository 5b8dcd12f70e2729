"""How many pictures a second each loader feeds, beside torch's DataLoader over the same files.

    python bench/input_pipeline.py pictures.zip --size 128 --batch 64

All loaders do a random resized crop, a flip and the normalisation, batch after batch on the CPU.
They take turns round by round in one run, so that what else the machine does meets all of them;
the median round counts. Reading from the archive and packing are not counted: they happen once.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from study import atomic
from study.config.augmentation import AugmentationConfig
from study.config.data import DataConfig, SplitConfig
from study.config.training import TrainingConfig
from study.paths import DataPaths
from worker.data.batches import open_batches
from worker.data.choice import has_dali
from worker.data.prepare import prepare
from worker.data.store import Store

Epoch = Callable[[int], Iterator[tuple[Tensor, Tensor]]]
AUGMENTATION = AugmentationConfig()


def main() -> None:
    """Measures, prints a table and writes it as JSON."""
    arguments = parse()
    torch.set_num_threads(arguments.workers)
    with tempfile.TemporaryDirectory() as temporary:
        epochs = {"DataLoader": torch_epochs(arguments, Path(temporary))}
        epochs |= own_epochs(arguments, Path(temporary))
        rates = measure(epochs, arguments.rounds)
    medians = {name: statistics.median(rounds) for name, rounds in rates.items()}
    result = {
        "archive": arguments.archive.name,
        "size": arguments.size,
        "batch": arguments.batch,
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "images_per_second": {name: round(rate) for name, rate in medians.items()},
        "rounds": {name: [round(rate) for rate in rounds] for name, rounds in rates.items()},
        "times_dataloader": {
            name: round(rate / medians["DataLoader"], 2) for name, rate in medians.items()
        },
    }
    for name, rate in medians.items():
        ratio = rate / medians["DataLoader"]
        print(f"{name:12} {rate:8.0f} images/s  {ratio:5.2f} x DataLoader")  # noqa: T201
    if arguments.output:
        atomic.write_json(arguments.output, result)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("archive", type=Path, help=".zip of class folders with JPEG files")
    parser.add_argument("--size", type=int, default=128, help="side of the input, pixels")
    parser.add_argument("--batch", type=int, default=64, help="pictures a batch")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="cores to use")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    return parser.parse_args()


def torch_epochs(arguments: argparse.Namespace, temporary: Path) -> Epoch:
    """What one writes with torch and torchvision alone, over extracted files."""
    with zipfile.ZipFile(arguments.archive) as archive:
        archive.extractall(temporary / "files")
    root = temporary / "files"
    while len(children := [child for child in root.iterdir() if child.is_dir()]) == 1:
        root = children[0]
    pipeline = transforms.Compose(
        [
            transforms.RandomResizedCrop(
                arguments.size, AUGMENTATION.crop_scale, AUGMENTATION.crop_ratio
            ),
            transforms.RandomHorizontalFlip(AUGMENTATION.horizontal_flip),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    loader = DataLoader(
        ImageFolder(root, pipeline),
        arguments.batch,
        shuffle=True,
        drop_last=True,
        num_workers=arguments.workers,
        persistent_workers=True,
    )
    return lambda _: iter(loader)


def own_epochs(arguments: argparse.Namespace, temporary: Path) -> dict[str, Epoch]:
    """This project's loaders over the same archive."""
    data = DataConfig(
        source=str(arguments.archive), image_size=arguments.size, split=SplitConfig(val=0.1, test=0)
    )
    store = Store.open(
        prepare(data, DataPaths(temporary), processes=arguments.workers, progress=lambda *_: None)
    )
    names = ["resident", *(["dali"] if has_dali() else []), "torchvision"]
    return {
        name: open_batches(
            store,
            "train",
            data=data.model_copy(update={"loader": name}),
            training=TrainingConfig(batch_size=arguments.batch, augmentation=AUGMENTATION),
            augment=True,
            device=torch.device("cpu"),
            threads=arguments.workers,
        ).epoch
        for name in names
    }


def measure(epochs: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Images per second of each loader in each round."""
    rates: dict[str, list[float]] = {name: [] for name in epochs}
    for number in range(rounds + 1):
        for name, epoch in epochs.items():
            started, images = time.perf_counter(), 0
            for pictures, _ in epoch(number):
                images += len(pictures)
            if number:  # the first round starts processes and warms caches
                rates[name].append(images / (time.perf_counter() - started))
    return rates


if __name__ == "__main__":
    main()
