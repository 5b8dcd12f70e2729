"""Which pictures are nearly the same: pairs by their perceptual hashes or by a network's features,
and the sets that pairs join.

Every pair is looked at, since comparing two hashes costs a few instructions: 8,000 pictures take a
quarter of a second and 100,000 a minute. Knows nothing of splits and names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.data.perceptual import Hashes, perceptual_hashes

NEAR_BITS = 40
"""Bits of 256 in which two hashes of one picture may differ. Of 250 photographs compressed to
quality 30, halved or brightened by 15 %, 99 in 100 differ in at most 22 from their originals, cut
by 2 % 95 in 100 in at most 40; different ones in 4.5 million pairs differ in at least 82."""
COSINE = 0.95
"""Least cosine of two pictures' features; networks differ, so this is a suggestion to look."""
BLOCK_PAIRS = 2**16  # compared at once: what fits into a core's cache

Pairs = Iterator[tuple[int, int]]


def near_sets(parts: Iterable[NDArray[np.uint8]]) -> list[list[int]]:
    """Sets of pictures that are nearly the same. parts: squares (N, side, side, channels) uint8,
    counted on from part to part."""
    found = [perceptual_hashes(squares) for squares in parts]
    hashes = np.concatenate([hashes for hashes, _ in found])
    return joined(len(hashes), near_pairs(hashes, np.concatenate([flat for _, flat in found])))


def near_pairs(hashes: Hashes, flat: NDArray[np.bool_], most: int = NEAR_BITS) -> Pairs:
    """Pairs whose hashes differ in at most `most` bits; equal hashes are chained, not paired.

    hashes: (N, 4) uint64. flat: (N,) bool, pictures to leave out.
    """
    rows = np.flatnonzero(~flat)
    distinct, first, inverse = np.unique(
        hashes[rows], axis=0, return_index=True, return_inverse=True
    )
    for place, row in zip(inverse.reshape(-1).tolist(), rows.tolist(), strict=True):
        if (same := int(rows[first[place]])) != row:
            yield same, row
    words = np.ascontiguousarray(distinct.T)
    length = max(1, BLOCK_PAIRS // max(1, len(distinct)))
    for start in range(0, len(distinct), length):
        block, others = words[:, start : start + length, None], words[:, None, start:]
        bits = np.bitwise_count(block[0] ^ others[0]).astype(np.uint16)
        for one, other in zip(block[1:], others[1:], strict=True):
            bits += np.bitwise_count(one ^ other)
        yield from _above(bits <= most, start, rows[first])


def feature_pairs(features: NDArray[np.float32], least: float = COSINE) -> Pairs:
    """Pairs whose features have a cosine of at least `least`. features: (N, D) float32."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    rows = np.arange(len(unit))
    length = max(1, BLOCK_PAIRS // max(1, len(unit)))
    for start in range(0, len(unit), length):
        cosines = unit[start : start + length] @ unit[start:].T
        yield from _above(cosines >= least, start, rows)


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Sets of at least two of `count` things that pairs lead between, each in order."""
    leader = list(range(count))
    for one, other in pairs:
        leader[_find(leader, one)] = _find(leader, other)
    sets: dict[int, list[int]] = defaultdict(list)
    for number in range(count):
        sets[_find(leader, number)].append(number)
    return [members for members in sets.values() if len(members) > 1]


def _above(found: NDArray[np.bool_], start: int, rows: Sequence[int] | NDArray[np.intp]) -> Pairs:
    """Each pair once, by the rows it stands for. found: (block, from start on) bool."""
    ones, others = np.nonzero(found)
    for one, other in zip(ones.tolist(), others.tolist(), strict=True):
        if one < other:
            yield int(rows[start + one]), int(rows[start + other])


def _find(leader: list[int], number: int) -> int:
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number
