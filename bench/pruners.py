"""What a search without a pruner, with a median, with successive halving that ends trials and with
one that pauses them makes of the same learning curves.

A study that was trained without a pruner is replayed: workers are simulated, an epoch of any trial
takes a unit of time, and every trial that begins gets the next curve of a shuffled pile. Claims,
reports and verdicts are the real ones, of the real ledger on a PostgreSQL of its own.

    .venv/bin/hpo submit fashion --backend local --workers 2 name=curves \\
        search.pruner.name=none search.sampler.name=random search.budget.trials=64
    .venv/bin/python -m bench.pruners curves [--seeds 5] [--workers 4]
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from study.config.records import StudyConfig
from study.embedded import EmbeddedPostgres
from study.halving import Halving
from study.lease import Intermediate, Lease, NoTrial, Outcome
from study.ledger import Ledger
from study.registry import RegisteredStudy, Registry, open_registry
from study.sampling import should_prune
from study.statements import STATEMENTS

PRUNERS: dict[str, dict[str, str | int]] = {
    "none": {"name": "none"},
    "median, 2 epochs of warm-up": {"name": "median", "warmup_epochs": 2},
    "median": {"name": "median"},
    "successive_halving": {"name": "successive_halving", "reduction_factor": 3},
    "hyperband": {"name": "hyperband", "reduction_factor": 3},
    "asha": {"name": "asha", "reduction_factor": 3},
    "asha, factor 4": {"name": "asha", "reduction_factor": 4},
}
SHARES = (0.125, 0.25, 0.5)  # of the epochs of all curves

Curve = tuple[float, ...]
"""The metric after each epoch."""


@dataclass
class Worker:
    """One that is simulated."""

    ledger: Ledger
    lease: Lease | None = None
    epoch: int = 0


@dataclass(frozen=True)
class Replay:
    """What became of one search."""

    best_after: tuple[float | None, ...]
    """Of the complete trials after each epoch that any worker trained."""
    makespan: int
    """Epochs one after the other."""


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


def replay(registry: Registry, study: RegisteredStudy, pile: Sequence[Curve], count: int) -> Replay:
    """Runs the study with `count` workers; its n-th trial has the n-th curve."""
    halving = Halving.of(study.config.search)
    seen = registry.optuna_study(study)
    workers = [
        Worker(Ledger(registry.engine, study.study_id, f"worker-{number}", halving))
        for number in range(count)
    ]
    best: list[float | None] = []
    turns = [(0, number) for number in range(count)]
    now, leader = 0, None
    while turns:
        now, number = heapq.heappop(turns)
        worker = workers[number]
        if worker.lease is None:
            claimed = worker.ledger.claim()
            if claimed is NoTrial.DONE:
                continue
            if isinstance(claimed, Lease):
                worker.lease = claimed
                worker.epoch = 0 if claimed.last_epoch is None else claimed.last_epoch + 1
        if worker.lease is not None:
            ended = _train_epoch(worker, pile[worker.lease.number], study.config, seen)
            if ended is not None and (leader is None or ended > leader):
                leader = ended
            best.append(leader)
        heapq.heappush(turns, (now + 1, number))
    return Replay(tuple(best), now)


def _train_epoch(
    worker: Worker, curve: Curve, config: StudyConfig, seen: optuna.Study
) -> float | None:
    """Does what a slot does after an epoch; gives the value of a trial that is complete."""
    lease, epoch, ledger = worker.lease, worker.epoch, worker.ledger
    assert lease is not None
    best = max(curve[: epoch + 1])
    complete = epoch + 1 == len(curve)
    rung = None if complete else config.search.pruner.rung(epoch + 1)
    reached = Intermediate(epoch, curve[epoch], rung)
    worker.epoch += 1
    if ledger.report(lease, epoch=epoch, intermediate=reached, metrics={}).paused:
        ledger.rest(lease, value=best, weights=None)
    elif complete:
        ledger.finish(lease, Outcome.COMPLETE, value=best)
    elif should_prune(seen, lease.trial_id):
        ledger.finish(lease, Outcome.PRUNED, value=best)
    else:
        return None
    worker.lease = None
    return best if complete else None


def replays(
    config: StudyConfig, curves: Sequence[Curve], seeds: int, workers: int
) -> Iterator[tuple[str, list[Replay]]]:
    """Every pruner on the same piles."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory(prefix="hpo-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        registry = Registry(server.url())
        for name, pruner in PRUNERS.items():
            found = []
            for seed in range(seeds):
                plain = config.model_dump(mode="json") | {"name": f"replay-{next(numbers)}"}
                plain["search"]["pruner"] = pruner
                study = registry.create(
                    StudyConfig.model_validate(plain), store="0" * 64, workers=workers
                )
                pile = random.Random(seed).sample(curves, len(curves))
                found.append(replay(registry, study, pile, workers))
            yield name, found
        registry.close()
        server.stop("immediate")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config, curves = read_curves(given.study)
    budget = config.search.budget.model_copy(update={"trials": len(curves)})
    search = config.search.model_copy(update={"budget": budget})
    config = config.model_copy(update={"search": search})
    whole = len(curves) * config.trial_epochs
    best = max(map(max, curves))
    marks = [round(share * whole) for share in SHARES]
    say(f"{len(curves)} curves of {config.trial_epochs} epochs, the best reaches {best:.4f}")
    heads = [f"behind after {mark} epochs" for mark in marks]
    say(f"| pruner | epochs | makespan | {' | '.join(heads)} | behind at the end |")
    for name, found in replays(config, curves, given.seeds, given.workers):
        behind = [
            [best - (one.best_after[:mark][-1] or 0.0) for one in found] for mark in [*marks, whole]
        ]
        cells = [f"{statistics.fmean(each):.4f}" for each in behind]
        spent = statistics.fmean(len(one.best_after) for one in found)
        span = statistics.fmean(one.makespan for one in found)
        say(f"| {name} | {spent:.0f} | {span:.0f} | {' | '.join(cells)} |")


def say(line: str) -> None:
    """At once: the next one takes a minute."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
