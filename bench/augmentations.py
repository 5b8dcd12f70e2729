"""What each augmentation adds to a batch, on one core.

    .venv/bin/python -m bench.augmentations --size 128 --batch 64

Smooth made-up pictures; the augmentations take turns round by round, so that what else the machine
does meets all of them, and the median of the processor's time counts. `plain` is the random
resized crop, flip and normalisation that every study begins with.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from study.config.augmentation import AugmentationConfig
from worker.data.augment import Augmenter, Normaliser

CLASSES = 10
AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "affine": {"rotation": 20, "translate": 0.1, "scale": (0.9, 1.1), "shear": 5},
    "brightness": {"brightness": 0.4},
    "contrast": {"contrast": 0.4},
    "saturation": {"saturation": 0.4},
    "hue": {"hue": 0.1},
    "equalise 0.2": {"equalise": 0.2},
    "randaugment": {"policy": "randaugment"},
    "trivialaugment": {"policy": "trivialaugment"},
    "erasing 0.25": {"erasing": 0.25},
    "mixup": {"mixup_alpha": 0.2},
    "cutmix": {"cutmix_alpha": 1.0},
}


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--size", type=int, default=128, help="side of a picture, pixels")
    parser.add_argument("--batch", type=int, default=64, help="pictures")
    parser.add_argument("--rounds", type=int, default=30, help="of which the median counts")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    medians = measure(arguments.size, arguments.batch, arguments.rounds)
    for name, milliseconds in medians.items():
        added = milliseconds - medians["plain"]
        print(f"{name:15} {milliseconds:7.1f} ms  {added:+6.1f}")  # noqa: T201


def measure(size: int, batch: int, rounds: int) -> dict[str, float]:
    """Milliseconds of processor time for a batch, by augmentation."""
    pixels, labels = pictures(size, batch), torch.arange(batch) % CLASSES
    augmenters = {name: augmenter(size, values) for name, values in AUGMENTATIONS.items()}
    times: dict[str, list[float]] = {name: [] for name in augmenters}
    for number in range(rounds + 1):
        for name, augment in augmenters.items():
            began = time.process_time()
            augment(pixels, labels, number, 0)
            if number:  # the first round imports and warms caches
                times[name].append(1000 * (time.process_time() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def pictures(size: int, batch: int) -> Tensor:
    """(batch, size, size, 3) uint8."""
    coarse = 255 * torch.rand(batch, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    smooth = interpolate(coarse, (size, size), mode="bilinear")
    return smooth.byte().permute(0, 2, 3, 1).contiguous()


def augmenter(size: int, values: dict[str, Any]) -> Augmenter:
    """What does one augmentation."""
    return Augmenter(
        AugmentationConfig.model_validate(values),
        seed=0,
        size=size,
        n_classes=CLASSES,
        normalise=Normaliser([0.5] * 3, [0.25] * 3, torch.device("cpu")),
    )


if __name__ == "__main__":
    main()
