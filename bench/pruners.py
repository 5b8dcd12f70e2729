"""What a search makes of the same learning curves without a pruner, with a median, with successive
halving that ends trials, and with one that pauses them.

A study that was trained without a pruner is replayed (replay.py) over and over: every trial that
begins gets the next curve of a shuffled pile.

    .venv/bin/hpo submit fashion --backend local --workers 2 name=curves \\
        search.pruner.name=none search.sampler.name=random search.budget.trials=64 \\
        space.training.learning_rate.low=1e-4 space.training.learning_rate.high=1e-1
    .venv/bin/python -m bench.pruners curves [--seeds 50] [--workers 4]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Sequence

import optuna

from bench.replay import Curve, Paused, Replay, Stock, replay
from study.config.records import StudyConfig
from study.config.search import PrunerConfig
from study.opening import open_registry
from study.statements import STATEMENTS

PRUNERS = {
    "none": PrunerConfig(name="none"),
    "median, warm-up of 2 epochs": PrunerConfig(name="median", warmup_epochs=2),
    "median": PrunerConfig(name="median"),
    "successive_halving, factor 3": PrunerConfig(name="successive_halving", reduction_factor=3),
    "successive_halving": PrunerConfig(name="successive_halving"),
    "hyperband, factor 3": PrunerConfig(name="hyperband", reduction_factor=3),
    "asha, factor 3": PrunerConfig(name="asha", reduction_factor=3),
    "asha": PrunerConfig(name="asha"),
    "asha, factor 2": PrunerConfig(name="asha", reduction_factor=2),
}
SHARES = (0.125, 0.25, 0.5)  # of the epochs of all curves


def read_curves(name: str) -> tuple[StudyConfig, list[Curve]]:
    """Of the trials that were trained to their end."""
    registry, server = open_registry()
    study = registry.find(name)
    found: dict[int, list[float]] = {}
    key = {"study_id": study.study_id, "metric": study.config.search.metric}
    with registry.engine.connect() as connection:
        for row in connection.execute(STATEMENTS["curves"], key):
            found.setdefault(row.number, []).append(row.value)
    registry.close()
    if server is not None:
        server.stop_if_idle(registry.engine)
    epochs = study.config.trial_epochs
    return study.config, [tuple(curve) for curve in found.values() if len(curve) == epochs]


def row(name: str, found: Sequence[Replay], best: float, marks: Sequence[int]) -> str:
    """A line of the table."""
    behind = [
        statistics.fmean(best - one.best_after[: mark or None][-1] for one in found)
        for mark in (*marks, 0)
    ]
    complete = [one.best_after.index(next(filter(None, one.best_after))) + 1 for one in found]
    numbers = [
        statistics.fmean(len(one.best_after) for one in found),
        statistics.fmean(one.makespan for one in found),
        statistics.median(complete),
    ]
    cells = [f"{number:.0f}" for number in numbers] + [f"{100 * each:.2f}" for each in behind]
    return f"| {name} | {' | '.join(cells)} |\n"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config, curves = read_curves(given.study)
    best = max(map(max, curves))
    marks = [round(share * len(curves) * config.trial_epochs) for share in SHARES]
    heads = ["epochs", "makespan", "first complete", *map(str, marks), "end"]
    sys.stdout.write(f"{len(curves)} curves of {config.trial_epochs} epochs, best {best:.4f}\n")
    sys.stdout.write(f"| pruner | {' | '.join(heads)} |\n")
    for name, pruner in PRUNERS.items():
        found = []
        for seed in range(given.seeds):
            pile = random.Random(seed).sample(curves, len(curves))
            pauses = pruner.name == "asha"
            search = Paused(pruner, pile) if pauses else Stock(pruner, pile, seed)
            found.append(replay(search, pile, given.workers))
        sys.stdout.write(row(name, found, best, marks))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
