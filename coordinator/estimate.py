"""What a study would take: its space, its trials, and an upper bound of its time from a trial that
was measured for a moment.

Knows nothing of where it would run nor of who measured.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.table import Table

from coordinator.watch import duration
from study.choice import choose
from study.config.data import DataConfig
from study.config.records import StudyConfig
from study.errors import HpoError, one_line
from study.listing import label_lists, list_tree


class Rehearsal(BaseModel):
    """What `hpo-worker rehearse` measured of the trial in the middle of the space."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    images_per_second: float = Field(gt=0)
    """Training pictures of one trial alone on the device."""
    validation_images_per_second: float = Field(gt=0)
    device: str
    peak_memory_gib: float


@dataclass(frozen=True)
class Pictures:
    """Of one epoch."""

    train: int
    val: int


def read_rehearsal(result: dict[str, Any]) -> Rehearsal:
    """Raises HpoError where the worker is of another release."""
    try:
        return Rehearsal.model_validate(result)
    except ValidationError as error:
        raise HpoError(f"the rehearsal cannot be read: {one_line(str(error))}") from error


def space_table(config: StudyConfig) -> Table:
    """The parameters that are searched, a row each."""
    table = Table("parameter", "values", "only when")
    for name, parameter in config.space.items():
        log = ", logarithmic" if getattr(parameter, "log", False) else ""
        table.add_row(name, f"{parameter}{log}", parameter.when or "")
    return table


def count_pictures(path: Path, data: DataConfig) -> Pictures | None:
    """The pictures of an epoch, counted by their names; None where prepare has to look inside: for
    lists, .tar archives and data sets of Hugging Face.

    Raises DataError for a tree without classes, OSError.
    """
    if path.is_dir():
        files, folders = _folder(path)
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        files = [name for name in names if not name.endswith("/")]
        folders = [name for name in names if name.endswith("/")]
    else:
        return None
    if label_lists(files) or any(name.endswith((".parquet", ".arrow")) for name in files):
        return None
    listing = choose(list_tree(files, folders, str(path)), data, str(path))
    splits = [entry.split for entry in listing.entries]
    val, test = splits.count("val"), splits.count("test")
    rest = len(splits) - val - test
    for_val = 0 if val else round(rest * data.split.val)
    for_test = 0 if test else round(rest * data.split.test)
    return Pictures(train=rest - for_val - for_test, val=val or for_val)


def lines(
    config: StudyConfig, *, workers: int, pictures: Pictures | None, measured: Rehearsal | None
) -> list[str]:
    """Budget, pictures and time, for a person."""
    budget, epochs = config.search.budget, config.trial_epochs
    bounds = [
        *([f"{budget.gpu_hours:g} GPU-hours"] if budget.gpu_hours else []),
        *([f"{budget.hours:g} hours"] if budget.hours else []),
    ]
    ends = f", or {' or '.join(bounds)}, whichever comes first" if bounds else ""
    counted = "counted once they are packed"
    if pictures is not None:
        counted = f"{pictures.train:,} to train on, {pictures.val:,} to validate"
    return [
        f"trials: {budget.trials} of at most {epochs} epochs{ends}",
        f"pictures: {counted}",
        *_packing(config),
        *_time(config, workers, pictures, measured),
    ]


def _packing(config: StudyConfig) -> Iterator[str]:
    if config.resources.slots_per_device == "auto":
        yield (
            "trials at once: measured on each kind of device before its first trial "
            "(resources.slots_per_device: auto); counted here as one"
        )


def _time(
    config: StudyConfig, workers: int, pictures: Pictures | None, measured: Rehearsal | None
) -> Iterator[str]:
    """With the formula: a bound that cannot be checked is none."""
    if measured is None:
        return
    rates = measured.images_per_second, measured.validation_images_per_second
    yield (
        f"measured: {rates[0]:,.0f} pictures/s in training, {rates[1]:,.0f} in validation, "
        f"{measured.peak_memory_gib:.1f} GiB, by the trial in the middle of the space on "
        f"{measured.device}"
    )
    if pictures is None:
        return
    budget, epochs = config.search.budget, config.trial_epochs
    seconds = budget.trials * epochs * (pictures.train / rates[0] + pictures.val / rates[1])
    spent = seconds if budget.gpu_hours is None else min(seconds, 3600 * budget.gpu_hours)
    busy = min(workers, budget.trials)
    wall = spent / busy if budget.hours is None else min(spent / busy, 3600 * budget.hours)
    yield (
        f"time: at most {spent / 3600:.2f} GPU-hours, {duration(wall)} with {busy} at work: "
        f"{budget.trials} trials x {epochs} epochs x ({pictures.train:,} / {rates[0]:,.0f} + "
        f"{pictures.val:,} / {rates[1]:,.0f}) s, where nothing is pruned"
    )


def _folder(path: Path) -> tuple[list[str], list[str]]:
    """Names of all files and folders below, links followed once."""
    files: list[str] = []
    folders: list[str] = []
    seen: set[str] = set()
    for directory, below, names in os.walk(path, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        prefix = Path(directory).relative_to(path)
        folders += [(prefix / name).as_posix() for name in below]
        files += [(prefix / name).as_posix() for name in names]
    return files, folders
