"""Packs a study's data set before its workers start, with a progress bar. The work is the worker's.

Knows nothing of pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from coordinator import worker_program
from study import paths
from study.config.dump import dump
from study.config.records import StudyConfig


def prepare(config: Path, overrides: Sequence[str], console: Console) -> str:
    """Packs the data set of the study in the file `config` unless that was done before; gives the
    content of its store. Raises UsageError with what is wrong with the pictures."""
    columns = (
        TextColumn("preparing pictures"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("prepare", total=None)
        result = worker_program.call(
            ["prepare", str(config), *overrides],
            {"HPO_DATA": str(paths.data().root)},
            lambda line: bar.update(task, completed=line["done"], total=line["total"]),
        )
    console.print(describe(result), highlight=False)
    return str(result["store"])


def prepare_again(config: StudyConfig, console: Console) -> str:
    """The same for a study of the database, whose file may have changed since."""
    with tempfile.TemporaryDirectory(prefix="hpo-") as directory:
        file = Path(directory) / f"{config.name}.yaml"
        file.write_text(dump(config))
        return prepare(file, (), console)


def describe(result: dict[str, Any]) -> str:
    """One line for a person."""
    left_out = f", {result['quarantined']} left out as unreadable" if result["quarantined"] else ""
    return (
        f"data: {result['pictures']} pictures in {result['classes']} classes{left_out}"
        f" ({result['store'][:12]})"
    )
