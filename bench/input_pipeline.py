"""How many pictures a second each loader feeds, beside torch's DataLoader over the same files.

    .venv/bin/python -m bench.input_pipeline [--data pictures.zip] [--size 128] [--photographs]

All loaders do a random resized crop, a flip and the normalisation, batch after batch. Reading from
the archive and packing are not counted: they happen once.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import torch

from bench.command import arguments_of, finish, parser_for
from bench.peers import AUGMENTATION, Epoch, data_loader, documented_dali, tuned_data_loader
from bench.pictures import PHOTOGRAPH, extract, given_or_made_up
from bench.section import Section, Values, ratios, spread
from bench.turns import Round, Turn, in_turns
from study.config.data import DataConfig, SplitConfig
from study.config.training import TrainingConfig
from study.cores import cores
from study.paths import DataPaths
from worker.data.batches import open_batches
from worker.data.choice import has_dali
from worker.data.prepare import prepare
from worker.data.store import Store
from worker.models.device import resolve_device

BASELINE = "DataLoader"
LARGER = "`resident`, packed a quarter larger"  # crops of a half are then hardly enlarged
HEADER = ("loader", "pictures/s", f"times {BASELINE}", "processor time of a picture, ms")


def main() -> None:
    """Measures and prints or writes the section."""
    parser = parser_for(__doc__)
    parser.add_argument("--size", type=int, default=128, help="side of the input, pixels")
    parser.add_argument("--batch", type=int, default=64, help="pictures of a batch")
    parser.add_argument(
        "--limit", type=int, help="pictures of each class at most; all unless it is given"
    )
    parser.add_argument(
        "--photographs", action="store_true", help=f"enlarged to a short side of {PHOTOGRAPH} px"
    )
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """All loaders in turns."""
    device = resolve_device("auto")
    torch.set_num_threads(cores())
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as temporary, ExitStack() as opened:
        folder = extract(
            given_or_made_up(given.data),
            Path(temporary) / "files",
            limit=given.limit,
            enlarge=given.photographs,
        )
        epochs = peers(folder, given, device) | own(folder, given, device, opened)
        measured = in_turns({name: _turn(epoch) for name, epoch in epochs.items()}, given.rounds)
    return section(given, measured)


def peers(folder: Path, given: argparse.Namespace, device: torch.device) -> dict[str, Epoch]:
    """What others have."""
    kinds = {BASELINE: data_loader, "DataLoader, torchvision's decoder": tuned_data_loader}
    if has_dali():
        kinds["DALI as documented"] = documented_dali
    return {
        name: make(folder, given.size, given.batch, cores(), device) for name, make in kinds.items()
    }


def own(
    folder: Path, given: argparse.Namespace, device: torch.device, opened: ExitStack
) -> dict[str, Epoch]:
    """This project's loaders over the same files."""
    data = DataConfig(
        source=str(folder), image_size=given.size, split=SplitConfig(val=0.01, test=0)
    )
    kinds = {f"`{name}`": {"loader": name} for name in ("resident", "dali", "torchvision")}
    kinds[LARGER] = {"loader": "resident", "store_size": given.size * 5 // 4}
    if not has_dali():
        del kinds["`dali`"]
    root = DataPaths(folder.parent)
    epochs: dict[str, Epoch] = {}
    for name, changes in kinds.items():
        config = data.model_copy(update=changes)
        batches = open_batches(
            Store.open(prepare(config, root, processes=cores(), progress=lambda *_: None)),
            "train",
            data=config,
            training=TrainingConfig(batch_size=given.batch, augmentation=AUGMENTATION),
            augment=True,
            device=device,
            threads=cores(),
        )
        epochs[name] = opened.enter_context(closing(batches)).epoch
    return epochs


def section(given: argparse.Namespace, measured: dict[str, tuple[Round, ...]]) -> Section:
    """The table."""
    rates: dict[str, Values] = {
        name: tuple(one.rate for one in rounds) for name, rounds in measured.items()
    }
    costs = {name: tuple(one.cost for one in rounds) for name, rounds in measured.items()}
    side = f"enlarged to a short side of {PHOTOGRAPH} px, " if given.photographs else ""
    limit = "" if given.limit is None else f"at most {given.limit} of each class, "
    left_out = "" if has_dali() else " DALI is not installed and left out."
    return Section(
        title=f"Input pipeline at {given.size} px" + (", photographs" if given.photographs else ""),
        about=(
            f"{given.source_name}: JPEG files, {limit}{side}in batches of {given.batch}: random "
            "resized crop, flip, normalised float32. Median, lowest and highest of "
            f"{given.rounds} rounds in turns; the ratio is the median of the rounds' ratios. "
            f"DataLoader has {cores()} workers that stay and read 4 batches ahead."
        ),
        header=HEADER,
        rows=tuple(
            (
                name,
                spread(rate),
                spread(ratios(rate, rates[BASELINE]), ".2f"),
                spread(costs[name], ".3f"),
            )
            for name, rate in rates.items()
        ),
        remarks=(
            "FFCV is left out: it has no wheels, and its source needs the headers of OpenCV and "
            f"libturbojpeg.{left_out}",
        ),
        rounds=rates | {f"{name}, processor ms": cost for name, cost in costs.items()},
    )


def _turn(epoch: Epoch) -> Turn:
    def turn(number: int) -> int:
        images = sum(len(labels) for _, labels in epoch(number))
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return images

    return turn


if __name__ == "__main__":
    main()
