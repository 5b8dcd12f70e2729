"""Divides pictures into train, val and test: by class, in whole units, by seed and name alone.

Splits that the source brings are kept; only missing ones are carved out of train. Knows nothing of
why pictures belong together (units.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.config.data import SplitConfig
from study.dataset import SPLITS, Split
from study.errors import DataError
from worker.data.placement import Targets, place_units
from worker.data.units import Picture, Units


@dataclass(frozen=True)
class Assignment:
    """Each picture's split, in the order of the pictures."""

    splits: tuple[Split, ...]
    folds: tuple[int, ...]
    """From 0; all 0 where there are none, and of test pictures."""
    notes: tuple[str, ...]


def assign(pictures: Sequence[Picture], units: Units, config: SplitConfig) -> Assignment:
    """Assigns every picture to a split.

    Every class gets at least one picture in train and in val, and in test where it has enough.
    Raises DataError where that is impossible; notes say what is missing where groups forbid it.
    """
    own = [_own_split(picture, config) for picture in pictures]
    given = set(own) - {"train"}
    if config.folds:
        _check_fold_room(pictures, own, units, config.folds)
    test = 0.0 if "test" in given else config.test
    val = (1.0 - test) / config.folds if config.folds else config.val
    fractions = {"val": val, "test": test}
    carved: dict[Split, float] = {
        split: fractions[split]
        for split in SPLITS
        if split in fractions and split not in given and fractions[split] > 0
    }
    splits = list(own)
    pool = [index for index, split in enumerate(splits) if split == "train"]
    placed = _carve(pictures, units, pool, carved, config.seed) if carved else {}
    for index in pool:
        splits[index] = placed.get(units.keys[index], "train")
    notes = _check(pictures, splits, units)
    folds = _fold(pictures, units, splits, config)
    notes = [*units.notes, *_straddling(units, splits), *notes]
    return Assignment(tuple(splits), folds, tuple(notes))


def _check_fold_room(
    pictures: Sequence[Picture], own: Sequence[Split], units: Units, count: int
) -> None:
    """A class needs as many units as there are folds."""
    members: dict[str, set[str]] = defaultdict(set)
    for picture, split, key in zip(pictures, own, units.keys, strict=True):
        if split == "train":
            members[picture.label].add(key)
    for label in sorted(members):
        if len(members[label]) < count:
            what = "groups of pictures" if units.grouped else "different pictures"
            raise DataError(
                f"a class needs one of its {what} in each of data.split.folds={count}, {label!r} "
                f"has {len(members[label])}: lower folds, add pictures or remove the class"
            )


def _own_split(picture: Picture, config: SplitConfig) -> Split:
    """As the source gave it; its val pictures join the others where folds are made of them."""
    if picture.split is None or (config.folds and picture.split == "val"):
        return "train"
    return picture.split


def _fold(
    pictures: Sequence[Picture], units: Units, splits: Sequence[Split], config: SplitConfig
) -> tuple[int, ...]:
    """Each picture's fold: val is the first one, the others are carved out of train in turn."""
    count = config.folds or 1
    folds = [0] * len(pictures)
    pool = [index for index, split in enumerate(splits) if split == "train"]
    for fold in range(1, count):
        if fold == count - 1:
            placed: dict[str, Split] = dict.fromkeys((units.keys[index] for index in pool), "val")
        else:
            carved: dict[Split, float] = {"val": 1 / (count - fold)}
            placed = _carve(pictures, units, pool, carved, config.seed)
        for index in pool:
            folds[index] = fold * (placed[units.keys[index]] == "val")
        pool = [index for index in pool if placed[units.keys[index]] != "val"]
    return tuple(folds)


def _carve(
    pictures: Sequence[Picture],
    units: Units,
    pool: list[int],
    carved: Mapping[Split, float],
    seed: int,
) -> dict[str, Split]:
    """Each unit's split."""
    names: dict[str, str] = {}
    members: dict[str, Counter[str]] = defaultdict(Counter)
    for index in pool:
        key, picture = units.keys[index], pictures[index]
        names[key] = min(names.get(key, picture.name), picture.name)
        members[key][picture.label] += 1
    distinct = Counter(label for labels in members.values() for label in labels)
    counts: Counter[str] = sum(members.values(), Counter())
    if "val" in carved:
        _check_room(counts, distinct, units.grouped)
    targets = {label: _targets(count, distinct[label], carved) for label, count in counts.items()}
    # Named by its first file and not by its key, so that the same pictures split the same way
    # whatever made a unit of them.
    ordered = {names[key]: labels for key, labels in members.items()}
    placed = place_units(ordered, targets, seed)
    return {key: placed[name] for key, name in names.items()}


def _check_room(counts: Mapping[str, int], distinct: Mapping[str, int], grouped: bool) -> None:
    """A class needs two units, one to train on and one to validate with."""
    for label in sorted(counts):
        if counts[label] < 2 or (distinct[label] < 2 and not grouped):
            have = "one usable picture" if counts[label] < 2 else "only copies of one picture"
            raise DataError(
                f"a class needs two pictures, one for train and one for val, {label!r} has {have}: "
                "add pictures or remove the class"
            )


def _targets(count: int, distinct: int, carved: Mapping[Split, float]) -> Targets:
    """How many of a class's pictures each split should get; at least one where there are enough.

    distinct: units that hold pictures of the class; a split without one stays empty.
    """
    wanted = dict.fromkeys(SPLITS, 0)
    room = min(count, distinct) - 1  # train comes first, then val, then test
    for split, fraction in carved.items():
        if room > 0:
            wanted[split] = max(1, int(count * fraction + 0.5))
            room -= 1
    while sum(wanted.values()) > count - 1 and max(wanted.values()) > 1:
        wanted[max(wanted, key=lambda split: wanted[split])] -= 1
    wanted["train"] = count - sum(wanted.values())
    return tuple(wanted[split] for split in SPLITS)


def _check(pictures: Sequence[Picture], splits: Sequence[Split], units: Units) -> list[str]:
    """Notes of classes that are not in every split. Raises DataError where nothing can be done."""
    present = {(picture.label, split) for picture, split in zip(pictures, splits, strict=True)}
    labels = sorted({picture.label for picture in pictures})
    notes = []
    for split in SPLITS:
        missing = [label for label in labels if (label, split) not in present]
        if not missing or (len(missing) == len(labels) and split == "test"):
            continue  # a study without a test split is one
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        if split == "train" or len(missing) == len(labels):
            raise DataError(
                f"every class must have pictures in {split}, {named} "
                f"{'has' if len(missing) == 1 else 'have'} none" + _way_out(units)
            )
        why = "groups do not allow it" if units.grouped else "too few pictures"
        notes.append(f"no {split} pictures of {named}: {why}")
    return notes


def _way_out(units: Units) -> str:
    if units.grouped:
        told = f" ({'; '.join(units.notes)})" if units.notes else ""
        way = ": a group goes to one split as a whole, choose smaller groups or another seed"
        return f"{way}{told}"
    return ": add some or remove the class"


def _straddling(units: Units, splits: Sequence[Split]) -> list[str]:
    """Groups that the source itself put into several splits."""
    if not units.grouped:
        return []  # copies of one file are reported as duplicates
    found: dict[str, set[Split]] = defaultdict(set)
    for key, split in zip(units.keys, splits, strict=True):
        found[key].add(split)
    torn = sorted(key for key, where in found.items() if len(where) > 1)
    if not torn:
        return []
    return [f"the source's own splits tear {len(torn)} groups apart, first {torn[0]}"]
