"""Packs a study's data set before its workers start, with a progress bar. The work is the worker's.

Knows nothing of pictures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from coordinator.worker_program import WorkerProgram
from study import paths
from study.config.dump import dump
from study.config.records import StudyConfig
from study.dataset import DatasetManifest, read_manifest
from study.mirror import fetch_missing, of_data


def prepare(
    program: WorkerProgram, config: Path, overrides: Sequence[str], console: Console
) -> str:
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
        result = program.call(
            ["prepare", str(config), *overrides],
            {"HPO_DATA": str(paths.data().root)},
            lambda line: bar.update(task, completed=line["done"], total=line["total"]),
        )
    store = str(result["store"])
    directory = paths.data().store(store)
    fetch_missing(of_data(), directory / paths.MANIFEST)
    for line in describe(read_manifest(directory), directory / paths.MANIFEST):
        console.print(line, soft_wrap=True)
    return store


def prepare_again(program: WorkerProgram, config: StudyConfig, console: Console) -> str:
    """The same for a study of the database, whose file may have changed since."""
    with written(config) as file:
        return prepare(program, file, (), console)


@contextmanager
def written(config: StudyConfig) -> Iterator[Path]:
    """A configuration in a file that the program sees too, wherever it runs."""
    home = paths.home()
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="study-", dir=home) as directory:
        file = Path(directory) / f"{config.name}.yaml"
        file.write_text(dump(config))
        yield file


def describe(manifest: DatasetManifest, file: Path) -> list[str]:
    """What a person should know of a data set; the rest is in `file`, its manifest."""
    leaks = sum(copies.is_leak for copies in manifest.duplicates)
    mislabelled = sum(len(copies.classes) > 1 for copies in manifest.duplicates)
    findings = {
        "left out as unreadable": len(manifest.quarantined),
        "converted": len(manifest.converted),
        "with identical copies": len(manifest.duplicates),
        "with copies in another split": leaks,
        "with copies in another class": mislabelled,
    }
    found = ", ".join(f"{count} {what}" for what, count in findings.items() if count)
    return [
        f"data: {len(manifest.names)} pictures in {manifest.n_classes} classes"
        f" ({manifest.content[:12]})",
        *([f"  {found}: see {file}"] if found else []),
        *(f"  {note}" for note in manifest.notes),
    ]
