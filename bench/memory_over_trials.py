"""Whether memory grows from trial to trial of a worker: main memory and the device's.

    .venv/bin/python -m bench.memory_over_trials [--data pictures.zip] [--trials 50]

Looks at a real study twice a second: the proportional set size of all its processes, and what is in
use of the GPU where there is one. The highest values of each fifth of the time are compared.
"""

from __future__ import annotations

import argparse
import itertools
from contextlib import suppress

import psutil
import torch

from bench.command import arguments_of, finish, study_parser_for
from bench.own_study import overrides_of, run_study, split_files
from bench.section import Section, Values

PARTS = 5  # of the time


def main() -> None:
    """Measures and prints or writes the section."""
    given = arguments_of(study_parser_for(__doc__, size=128, trials=50, epochs=1))
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """Of one study with one worker."""
    main_memory: list[float] = []
    device: list[float] = []

    def look(home: str) -> None:
        main_memory.append(resident_mib(home))
        device.append(device_mib())

    with split_files(given) as files:
        overrides = [*overrides_of(given, files), "search.pruner.name=none"]
        run_study(overrides, workers=1, look=look)
    return section(given, tuple(main_memory), tuple(device))


def resident_mib(home: str) -> float:
    """Proportional set size of all processes of a study: pages that several share count once."""
    total = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HPO_HOME") == home:
                total += process.memory_full_info().pss
    return float(total / 2**20)


def device_mib() -> float:
    """In use of the GPU, whoever uses it; 0 without one."""
    if not torch.cuda.is_available():
        return 0.0
    free, total = torch.cuda.mem_get_info()
    return float((total - free) / 2**20)


def section(given: argparse.Namespace, main_memory: Values, device: Values) -> Section:
    """The table."""
    peaks = [highest(values) for values in (main_memory, device)]
    return Section(
        title=f"Memory over {given.trials} trials at {given.size} px",
        about=(
            f"{given.source_name}: DynamicCNN, {given.trials} trials of {given.epochs} epochs by "
            "one worker. The highest of each fifth of the time; the first has the packing in it. "
            "Main memory is that of worker, trial, coordinator and database together."
        ),
        header=("fifth", "main memory, MiB", "GPU, MiB"),
        rows=tuple(
            (str(number), f"{main:,.0f}", f"{gpu:,.0f}" if max(device) else "no GPU")
            for number, (main, gpu) in enumerate(zip(*peaks, strict=True), 1)
        ),
        rounds={"main memory, MiB": main_memory, "GPU, MiB": device},
    )


def highest(values: Values) -> Values:
    """Of each fifth, in order."""
    bounds = [round(part * len(values) / PARTS) for part in range(PARTS + 1)]
    pairs = itertools.pairwise(bounds)
    return tuple(max(values[start:stop], default=0.0) for start, stop in pairs)


if __name__ == "__main__":
    main()
