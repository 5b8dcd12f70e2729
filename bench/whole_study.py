"""A whole study beside a script as Optuna's own PyTorch example is: trials an hour, best accuracy.

    .venv/bin/python -m bench.whole_study [--data pictures.zip] [--seeds 5] [--trials 10]

Both search the same space (whole_study.yaml, stock_study.py) with the same sampler, pruner, budget
and seeds over the same files, train/ and val/ given. The clock runs from the command to its end:
imports, packing, the database's start and promotion count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import torch

from bench.command import arguments_of, finish, study_parser_for
from bench.own_study import overrides_of, run_study, split_files
from bench.section import Section, Values, ratios, spread
from study.cores import cores

SCRIPT = Path(__file__).parent / "stock_study.py"
STOCK, OWN = "stock script", "`hpo submit`"
VAL_EVERY = 3  # one picture in so many is for validation: of fewer the best is the luckiest


@dataclass(frozen=True)
class Search:
    """A study that has ended."""

    trials_an_hour: float
    """From the command to its end."""
    while_training: float
    """The same from the first trial's begin to the last one's end."""
    best: float
    """Validation accuracy."""
    pruned: int


Runner = Callable[[Path, argparse.Namespace, int], Search]


def main() -> None:
    """Measures and prints or writes the section."""
    parser = study_parser_for(__doc__, size=64, trials=10, epochs=5)
    parser.add_argument("--seeds", type=int, default=2, help="studies of each")
    given = arguments_of(parser)
    measure(given)


def measure(given: argparse.Namespace) -> Section:
    """Both searches in turns, seed by seed; the section is written after each, for a seed takes
    minutes."""
    runners: dict[str, Runner] = {STOCK: stock, OWN: own}
    searches: dict[str, list[Search]] = {name: [] for name in runners}
    with split_files(given, val_every=VAL_EVERY) as files:
        for seed in range(given.seeds):
            for name, run in runners.items():
                searches[name].append(run(files, given, seed))
            finish(section(given, searches), given)
    return section(given, searches)


def stock(files: Path, given: argparse.Namespace, seed: int) -> Search:
    """The script."""
    command = [sys.executable, str(SCRIPT), str(files)]
    command += [f"--size={given.size}", f"--trials={given.trials}", f"--epochs={given.epochs}"]
    command += [f"--seed={seed}", f"--workers={cores()}"]
    began = time.monotonic()
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    seconds = time.monotonic() - began
    found = json.loads(printed.splitlines()[-1])
    trials = 3600 * given.trials
    rates = trials / seconds, trials / found["training_seconds"]
    return Search(*rates, best=found["best"], pruned=found["pruned"])


def own(files: Path, given: argparse.Namespace, seed: int) -> Search:
    """This project."""
    overrides = overrides_of(given, files)
    # crops of half a picture are then hardly enlarged; the script crops the files themselves
    overrides += [f"data.store_size={given.size * 5 // 4}"]
    overrides += [f"search.sampler.seed={seed}", f"training.seed={seed}"]
    workers = 1 if torch.cuda.is_available() else cores()
    ended = run_study(overrides, workers=workers)
    trials = 3600 * ended.trials
    rates = trials / ended.seconds, trials / ended.training_seconds
    return Search(*rates, best=ended.best, pruned=ended.pruned)


def section(given: argparse.Namespace, searches: dict[str, list[Search]]) -> Section:
    """The table."""
    rates: dict[str, Values] = {
        name: tuple(search.trials_an_hour for search in found) for name, found in searches.items()
    }
    trained: dict[str, Values] = {
        name: tuple(search.while_training for search in found) for name, found in searches.items()
    }
    bests = {name: tuple(search.best for search in found) for name, found in searches.items()}
    rows = [
        (
            name,
            spread(rates[name]),
            spread(ratios(rates[name], rates[STOCK]), ".2f"),
            spread(ratios(trained[name], trained[STOCK]), ".2f"),
            f"{100 * mean(bests[name]):.1f} % ({100 * min(bests[name]):.1f} to "
            f"{100 * max(bests[name]):.1f})",
            f"{sum(search.pruned for search in found)} of {given.trials * len(found)}",
        )
        for name, found in searches.items()
    ]
    limited = f", {given.limit} of each class" if given.limit else ""
    return Section(
        title=f"Whole study at {given.size} px",
        about=(
            f"{given.source_name}{limited}, of which one in {VAL_EVERY} validates: DynamicCNN, "
            f"{given.trials} trials of {given.epochs} epochs, median pruner, "
            f"{len(bests[STOCK])} seeds in turns. The stock script (bench/stock_study.py) is one "
            f"process with {cores()} DataLoader workers; `hpo submit` runs {cores()} workers, or "
            "one on a GPU. Trials an hour have imports, packing, the database's start and "
            "promotion in them."
        ),
        header=(
            *("search", "trials an hour", f"times {STOCK}", "the same while trials run"),
            *("best validation accuracy, mean", "pruned"),
        ),
        rows=tuple(rows),
        rounds={f"{name}, trials an hour": values for name, values in rates.items()}
        | {f"{name}, while trials run": values for name, values in trained.items()}
        | {f"{name}, best accuracy": values for name, values in bests.items()},
    )


if __name__ == "__main__":
    main()
