"""How fast a model trains on pictures from each loader, beside tensors that lie on the device.

    .venv/bin/python -m bench.feeding [--data pictures.zip] [--size 224]

The last are made once and cost nothing: what a loader reaches of them is how busy it keeps the
device. Pictures are enlarged to the size of photographs before.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor

from bench.command import arguments_of, finish
from bench.input_pipeline import own
from bench.peers import Epoch, tuned_data_loader
from bench.pictures import PHOTOGRAPH, extract, given_or_made_up
from bench.section import Section, Values, ratios, spread
from bench.step import CLASSES, MODELS, learner, models_parser_for
from bench.turns import Turn, in_turns
from study.cores import cores
from worker.assigned import set_up
from worker.models.device import resolve_device
from worker.training.learner import Learner

SYNTHETIC, BASELINE = "tensors on the device", "DataLoader"


def main() -> None:
    """Measures and prints or writes the section."""
    parser = models_parser_for(__doc__, size=224, batch=64)
    parser.add_argument("--limit", type=int, default=600, help="pictures of each class at most")
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """All loaders in turns, one model after the other."""
    device = resolve_device("auto")
    set_up(device, cores())
    rates: dict[str, dict[str, Values]] = {}
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as temporary, ExitStack() as opened:
        pictures = given_or_made_up(given.data)
        folder = extract(pictures, Path(temporary) / "files", limit=given.limit, enlarge=True)
        loaders = {
            SYNTHETIC: synthetic(given, device),
            BASELINE: tuned_data_loader(folder, given.size, given.batch, cores(), device),
            **own(folder, given, device, opened),
        }
        steps = sum(1 for _ in folder.rglob("*.jpg")) // given.batch
        for name in given.models:
            model = learner(MODELS[name], given, device, "auto")
            turns = {each: training(model, epoch, steps) for each, epoch in loaders.items()}
            measured = in_turns(turns, given.rounds)
            rates[name] = {each: tuple(one.rate for one in measured[each]) for each in measured}
    return section(given, rates)


def synthetic(given: argparse.Namespace, device: torch.device) -> Epoch:
    """The same batch for ever."""
    shape = (given.batch, 3, given.size, given.size)
    images = torch.randn(shape, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(given.batch, device=device) % CLASSES

    def epoch(_: int) -> Iterator[tuple[Tensor, Tensor]]:
        return itertools.repeat((images, labels))

    return epoch


def training(model: Learner, epoch: Epoch, steps: int) -> Turn:
    """So many steps, or an epoch where it has fewer."""

    def turn(number: int) -> int:
        images, loss = 0, torch.zeros(())
        for pictures, labels in itertools.islice(epoch(number), steps):
            loss, _logits = model.step(pictures, labels, 1e-3)
            images += len(labels)
        loss.item()  # all of it is computed
        return images

    return turn


def section(given: argparse.Namespace, rates: dict[str, dict[str, Values]]) -> Section:
    """The table."""
    return Section(
        title=f"Training fed at {given.size} px",
        about=(
            f"{given.source_name}, enlarged to a short side of {PHOTOGRAPH} px, in batches of "
            f"{given.batch}: random resized crop, flip, an optimizer step. DataLoader has "
            f"torchvision's decoder and {cores()} workers."
        ),
        header=("model", "loader", "pictures/s", f"of {SYNTHETIC}", f"times {BASELINE}"),
        rows=tuple(
            (
                model,
                name,
                spread(values),
                spread(ratios(values, found[SYNTHETIC]), ".0%"),
                spread(ratios(values, found[BASELINE]), ".2f"),
            )
            for model, found in rates.items()
            for name, values in found.items()
        ),
        rounds={
            f"{model}, {name}": values
            for model, found in rates.items()
            for name, values in found.items()
        },
    )


if __name__ == "__main__":
    main()
