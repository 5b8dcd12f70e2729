"""The most memory that a worker and its processes take, and which of them takes it.

    .venv/bin/python -m bench.worker_memory [--data pictures.zip] [--size 128] [--batch 64]

Looks at a real study again and again: the proportional set size (PSS) of the worker's processes, of
which pages that several share count once. The packed pictures are among them as far as they were
read: a CPU's trials map the store.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import suppress

import psutil

from bench.command import arguments_of, finish, study_parser_for
from bench.own_study import overrides_of, run_study, split_files
from bench.section import Section

ASKED_GIB = 1.2  # and the batch
KINDS = ("supervisor", "fork server", "trials", "resource tracker")

Look = Counter[str]
"""MiB of each kind of process at one moment."""


def main() -> None:
    """Measures and prints or writes the section."""
    parser = study_parser_for(__doc__, size=128, trials=6, epochs=2)
    parser.add_argument("--batch", type=int, default=64, help="pictures")
    given = arguments_of(parser)
    finish(measure(given), given)


def measure(given: argparse.Namespace) -> Section:
    """Of one study with one worker."""
    looks: list[Look] = []
    with split_files(given) as files:
        overrides = overrides_of(given, files)
        overrides += [f"training.batch_size={given.batch}", "search.pruner.name=none"]
        run_study(overrides, workers=1, look=lambda home: looks.append(family(home)))
    return section(given, max(looks, key=Counter.total))


def family(home: str) -> Look:
    """Of the worker of the study there, if one runs."""
    found: Look = Counter()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("HPO_HOME") == home:
                kind = kind_of(process)
                if kind is not None:
                    found[kind] += process.memory_full_info().pss // 2**20
    return found


def kind_of(process: psutil.Process) -> str | None:
    """None for processes that are not the worker's."""
    command = " ".join(process.cmdline())
    if "-m worker run" in command:
        return "supervisor"
    if "worker.trial" in command:  # the preload of the fork server, whose forks keep its command
        parent = process.parent()
        forked = parent is not None and "worker.trial" in " ".join(parent.cmdline())
        return "trials" if forked else "fork server"
    return "resource tracker" if "resource_tracker" in command else None


def section(given: argparse.Namespace, peak: Look) -> Section:
    """The table."""
    batch = given.batch * 3 * given.size**2 * 4 / 2**20
    total = peak.total()
    return Section(
        title=f"Memory of a worker at {given.size} px",
        about=(
            f"{given.source_name}: DynamicCNN, batches of {given.batch} ({batch:,.0f} MiB as "
            f"float32), {given.trials} trials of {given.epochs} epochs by one worker on the CPU. "
            "The moment at which its processes together took most; asked for are at most "
            f"{ASKED_GIB} GiB and the batch."
        ),
        header=("processes", "PSS, MiB"),
        rows=(
            *((kind, f"{peak[kind]:,.0f}") for kind in KINDS if kind in peak),
            ("together", f"{total:,.0f} ({total / 1024:.2f} GiB)"),
        ),
        rounds={f"{kind}, MiB": (float(peak[kind]),) for kind in peak},
    )


if __name__ == "__main__":
    main()
