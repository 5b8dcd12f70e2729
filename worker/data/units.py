"""Which pictures must stay together when a data set is split.

Pictures of one group (split.group, or a list's group column); without groups, files with the same
bytes; and, where split.keep_together asks for it, pictures that look nearly the same, and with them
the groups they are of: one that is trained on says nothing when it is tested on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from study.dataset import Split
from study.errors import DataError
from worker.data.alike import joined


@dataclass(frozen=True)
class Picture:
    """A usable picture."""

    name: str
    label: str
    sha256: str
    """Of the file's bytes."""
    split: Split | None = None
    """As the source gave it."""
    group: str | None = None
    """As a list gave it."""


@dataclass(frozen=True)
class Units:
    """Each picture's unit; pictures of the same unit go to the same split."""

    keys: tuple[str, ...]
    grouped: bool
    """False: units are copies."""
    notes: tuple[str, ...] = ()


def find_units(
    pictures: Sequence[Picture], group: str | None, near: Sequence[Sequence[int]] = ()
) -> Units:
    """Finds the units of all pictures.

    group: regular expression searched in the base name, its first group is the unit. near: sets of
    pictures that look nearly the same, by their places. Raises DataError where `group` is not one,
    has no group, or matches no picture.
    """
    if group is None and not any(picture.group for picture in pictures):
        units = Units(tuple(picture.sha256 for picture in pictures), grouped=False)
    else:
        units = _groups(pictures, group)
    return _together(units, near) if near else units


def _groups(pictures: Sequence[Picture], group: str | None) -> Units:
    pattern = _compile(group) if group is not None else None
    found = [picture.group or _search(pattern, picture.name) for picture in pictures]
    alone = sum(key is None for key in found)
    if alone == len(found):
        raise DataError(
            f"data.split.group must match file names, {group!r} matches none of {len(found)}, "
            f"for example {PurePosixPath(pictures[0].name).name!r}: correct or remove it"
        )
    keys = tuple(
        f"group {key}" if key is not None else f"file {picture.name}"
        for key, picture in zip(found, pictures, strict=True)
    )
    notes = (f"{alone} of {len(found)} pictures are in no group; each may go to any split",)
    return Units(keys, grouped=True, notes=notes if alone else ())


def _together(units: Units, near: Sequence[Sequence[int]]) -> Units:
    """One unit of all that a set of `near` has a picture of."""
    first: dict[str, int] = {}
    same = ((first.setdefault(key, index), index) for index, key in enumerate(units.keys))
    alike = ((together[0], index) for together in near for index in together)
    keys = list(units.keys)
    for members in joined(len(keys), (*same, *alike)):
        for index in members:
            keys[index] = units.keys[members[0]]
    notes = [
        f"{sum(map(len, near))} pictures are nearly the same as another and stay together, in "
        f"{len(near)} sets of up to {max(map(len, near))}"
    ]
    if units.grouped:
        notes.append(f"they join {len(set(units.keys))} groups into {len(set(keys))}")
    return Units(tuple(keys), units.grouped, (*units.notes, *notes))


def _compile(group: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise DataError(
            f"data.split.group must be a regular expression, got {group!r}: {error}"
        ) from error
    if not pattern.groups:
        raise DataError(
            f"data.split.group must have a group in parentheses, got {group!r}: "
            "for example '^([^_]+)_'"
        )
    return pattern


def _search(pattern: re.Pattern[str] | None, name: str) -> str | None:
    match = pattern.search(PurePosixPath(name).name) if pattern else None
    return match.group(1) if match else None
