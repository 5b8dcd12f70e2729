"""Puts units of pictures into splits so that every class comes close to its targets.

Greedy, largest unit first, then single pictures to the exact counts; where groups make that
inexact, several orders are tried and the best is kept. Bin packing with many bins is hard, and the
groups of a data set are few. Knows nothing of names beyond their order.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from study.dataset import SPLITS, Split

ATTEMPTS = 64  # orders tried where the first is not exact
ATTEMPTED_UNITS = 20_000  # units placed in all attempts together: about a second

Targets = tuple[int, ...]
"""Wanted pictures of one class per split, in the order of SPLITS."""
Counts = NDArray[np.int64]
Unit = tuple[str, NDArray[np.intp], Counts]
"""Name, classes and pictures of each."""


def place_units(
    units: Mapping[str, Mapping[str, int]], targets: Mapping[str, Targets], seed: int
) -> dict[str, Split]:
    """Each unit's split.

    units: pictures per class of every unit, by a name; targets: per class; splits whose targets
    are zero in all classes get nothing. The result depends on names and seed, not on any order.
    """
    labels = {label: index for index, label in enumerate(sorted(targets))}
    wanted = np.array([targets[label] for label in labels], np.int64)  # (classes, splits)
    large: list[Unit] = []
    singles: dict[int, list[str]] = defaultdict(list)
    for name, members in units.items():
        if sum(members.values()) == 1:
            singles[labels[next(iter(members))]].append(name)
            continue
        classes = np.array([labels[label] for label in members], np.intp)
        large.append((name, classes, np.array(list(members.values()), np.int64)))
    available = _single_counts(singles, len(labels))
    best = _best(large, available, wanted, seed)
    return {**best, **_fill(singles, best, large, wanted, seed)}


def _best(large: list[Unit], singles: Counts, wanted: Counts, seed: int) -> dict[str, Split]:
    """The best of several greedy placements of units with more than one picture."""
    attempts = max(1, min(ATTEMPTS, ATTEMPTED_UNITS // max(1, len(large))))
    best: dict[str, Split] = {}
    best_score: tuple[float, ...] = (float("inf"),)
    for attempt in range(attempts):
        ranks = {name: _rank(name, seed, attempt) for name, _, _ in large}
        if attempt == 0:  # largest first is the best single guess
            order = sorted(large, key=lambda unit: (-int(unit[2].sum()), ranks[unit[0]]))
        else:
            order = sorted(large, key=lambda unit: ranks[unit[0]])
        placed = _greedy(order, wanted)
        _repair(order, placed, singles, wanted)
        have = _count(order, placed, wanted.shape[0])
        score = _score(have, singles, wanted)
        if score < best_score:
            best, best_score = placed, score
        if not any(score):
            break
    return best


def _greedy(order: Sequence[Unit], wanted: Counts) -> dict[str, Split]:
    """Each unit goes where it lowers the squared relative error most."""
    used = np.flatnonzero(wanted.sum(axis=0))
    weight = 1.0 / np.maximum(wanted, 1)
    have = np.zeros_like(wanted)
    placed: dict[str, Split] = {}
    for name, classes, counts in order:
        gap = (have[classes] - wanted[classes])[:, used]
        change = (counts[:, None] * (2 * gap + counts[:, None]) * weight[classes][:, used]).sum(0)
        column = int(used[int(np.argmin(change))])
        have[classes, column] += counts
        placed[name] = SPLITS[column]
    return placed


def _repair(
    order: Sequence[Unit], placed: dict[str, Split], singles: Counts, wanted: Counts
) -> None:
    """Moves small units to splits that lack a class, where that takes no class from another split.

    Greedy leaves a class out of a split where its units are larger than the split's target.
    """
    units = np.zeros_like(wanted)  # units that hold a class, per split
    for name, classes, _ in order:
        units[classes, SPLITS.index(placed[name])] += 1
    lacking = (units == 0) & (wanted > 0)
    for label in np.flatnonzero(lacking.any(axis=1) & (singles < lacking.sum(axis=1))):
        holders = sorted(
            (unit for unit in order if label in unit[1]), key=lambda unit: int(unit[2].sum())
        )
        for column in np.flatnonzero(lacking[label]):
            for name, classes, _ in holders:
                source = SPLITS.index(placed[name])
                if units[label, column] == 0 and (units[classes, source] > 1).all():
                    units[classes, source] -= 1
                    units[classes, column] += 1
                    placed[name] = SPLITS[column]


def _count(order: Sequence[Unit], placed: Mapping[str, Split], classes: int) -> Counts:
    """Pictures per class and split."""
    have = np.zeros((classes, len(SPLITS)), np.int64)
    for name, labels, counts in order:
        have[labels, SPLITS.index(placed[name])] += counts
    return have


def _score(have: Counts, singles: Counts, wanted: Counts) -> tuple[float, ...]:
    """Classes missing in train, val, test, then the pictures that are in the wrong split.

    Lower is better. singles: (classes,) pictures that can still go anywhere.
    """
    short = np.maximum(wanted - have, 0)
    spare = np.maximum(short.sum(axis=1) - singles, 0)  # what single pictures cannot make good
    missing = (have == 0) & (wanted > 0) & (singles < (wanted > 0).sum(axis=1))[:, None]
    return (*(float(count) for count in missing.sum(axis=0)), float(spare.sum()))


def _fill(
    singles: Mapping[int, list[str]],
    placed: Mapping[str, Split],
    large: list[Unit],
    wanted: Counts,
    seed: int,
) -> dict[str, Split]:
    """Single pictures make up what each class still lacks: val and test exactly, train the rest."""
    have = _count(large, placed, wanted.shape[0])
    filled: dict[str, Split] = {}
    for label, names in singles.items():
        names = sorted(names, key=lambda name: _rank(name, seed, 0))
        lacking = np.maximum(wanted[label] - have[label], 0).tolist()
        if not have[label, 0] and len(names) <= lacking[1] + lacking[2]:
            filled[names.pop()] = "train"  # a class must be trained before it is measured
        for column in (1, 2):
            filled.update(dict.fromkeys(names[: lacking[column]], SPLITS[column]))
            names = names[lacking[column] :]
        filled.update(dict.fromkeys(names, "train"))
    return filled


def _single_counts(singles: Mapping[int, list[str]], classes: int) -> Counts:
    counts = np.zeros(classes, np.int64)
    for label, names in singles.items():
        counts[label] = len(names)
    return counts


def _rank(name: str, seed: int, attempt: int) -> bytes:
    """A random order that any machine and any listing gives alike."""
    return hashlib.sha256(f"{seed}/{attempt}/{name}".encode()).digest()
