"""Trials an hour of one worker with one trial on the device, and with several at once.

    .venv/bin/python -m bench.packing [--data pictures.zip] [--slots 1 2 auto] [--size 128]

Real studies with the same trials (random sampler, nothing pruned) that differ in
resources.slots_per_device; the time is that from the first trial's begin to the last one's end,
so what `auto` measures before is not in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.command import arguments_of, finish, study_parser_for
from bench.own_study import overrides_of, run_study, split_files
from bench.section import Section, Values, ratios, spread


def main() -> None:
    """Measures and prints or writes the section."""
    parser = study_parser_for(__doc__, size=128, trials=16, epochs=10)
    parser.add_argument("--slots", nargs="+", default=["1", "2"], help="trials at once, or auto")
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """Studies in turns."""
    rates: dict[str, list[float]] = {slots: [] for slots in given.slots}
    with split_files(given) as files:
        for seed in range(given.rounds):
            for slots in given.slots:
                rates[slots].append(trials_an_hour(files, given, slots, seed))
    return section(given, {slots: tuple(found) for slots, found in rates.items()})


def trials_an_hour(files: Path, given: argparse.Namespace, slots: str, seed: int) -> float:
    """Of one study."""
    overrides = overrides_of(given, files)
    overrides += ["search.sampler.name=random", f"search.sampler.seed={seed}"]
    overrides += ["search.pruner.name=none", f"resources.slots_per_device={slots}"]
    ended = run_study(overrides, workers=1)
    return 3600 * ended.trials / ended.training_seconds


def section(given: argparse.Namespace, rates: dict[str, Values]) -> Section:
    """The table; ratios are to the first number of slots."""
    first = given.slots[0]
    return Section(
        title=f"Packing at {given.size} px",
        about=(
            f"{given.source_name}: DynamicCNN, {given.trials} trials of {given.epochs} epochs by "
            "one worker, the same trials with each number of slots."
        ),
        header=("trials at once", "trials an hour", f"times {first} at once"),
        rows=tuple(
            (slots, spread(found), spread(ratios(found, rates[first]), ".2f"))
            for slots, found in rates.items()
        ),
        rounds={f"{slots} at once": found for slots, found in rates.items()},
    )


if __name__ == "__main__":
    main()
