"""How many trials at once follow from given figures."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.constraints import MOST_SLOTS
from worker.packing.decision import GROWTH, MARGIN, Figures, decide

GIB = 2**30


def figures(*rates: float, peak: int = GIB, free: int = 100 * GIB) -> list[Figures]:
    return [
        Figures(trials=number, images_per_second=rate, peak_bytes=peak, free_bytes=free)
        for number, rate in enumerate(rates, start=1)
    ]


@st.composite
def measurements(draw: st.DrawFn) -> list[Figures]:
    """Of one trial, two and so on; some run out of memory."""
    count = draw(st.integers(0, 12))
    return [
        Figures(
            trials=number,
            images_per_second=draw(st.floats(0, 1e6)),
            peak_bytes=draw(st.integers(0, 80 * GIB)),
            free_bytes=draw(st.integers(0, 200 * GIB)),
            failure=draw(st.sampled_from(["", "", "", "out of memory"])),
        )
        for number in range(1, count + 1)
    ]


def test_another_is_tried_while_it_brings_a_tenth_and_fits() -> None:
    assert decide(figures(), most=8) == decide(figures(), most=2)
    for measured in (figures(), figures(100), figures(100, 150), figures(100, 150, 165)):
        assert decide(measured, most=8).reason is None
    found = decide(figures(100, 150, 165, 170), most=8)
    assert (found.slots, found.reason) == (3, "4 at once bring 1.03 times the pictures/s of 3")


def test_another_is_not_tried_where_a_quarter_more_than_the_largest_peak_is_not_free() -> None:
    fits = figures(100, 150, peak=GIB, free=int(MARGIN * GIB))
    assert decide(fits, most=8).reason is None
    found = decide(figures(100, 150, peak=GIB, free=int(MARGIN * GIB) - 1), most=8)
    assert (found.slots, found.reason) == (1, "one more would need 1.25 GiB, 1.25 GiB are free")


@pytest.mark.parametrize("before", [0, 1, 2])
def test_what_fails_is_one_too_many_and_never_none(before: int) -> None:
    broken = Figures(trials=before + 1, failure="out of memory")
    found = decide([*figures(*[100.0 * 2**n for n in range(before)]), broken], most=8)
    assert found.slots == max(1, before)
    assert found.reason == f"{before + 1} at once: out of memory"


def test_a_device_of_one_thread_is_not_measured() -> None:
    assert decide([], most=1).reason == "the device has a use for no more than 1"


@given(measurements(), st.integers(1, MOST_SLOTS))
def test_there_is_always_one_and_never_more_than_were_measured(
    measured: list[Figures], most: int
) -> None:
    found = decide(measured, most=most)
    assert 1 <= found.slots <= min(most, max(1, len(measured)))


@given(measurements(), st.integers(1, MOST_SLOTS))
def test_each_one_more_had_room_and_brought_a_tenth(measured: list[Figures], most: int) -> None:
    slots = decide(measured, most=most).slots
    for fewer, more in pairwise(measured[:slots]):
        assert fewer.free_bytes >= MARGIN * fewer.peak_bytes
        assert more.images_per_second >= GROWTH * fewer.images_per_second
        assert not more.failure


@given(measurements(), st.integers(1, MOST_SLOTS))
def test_what_is_settled_stays_settled(measured: list[Figures], most: int) -> None:
    decisions = [decide(measured[:count], most=most) for count in range(len(measured) + 1)]
    settled = [decision for decision in decisions if decision.reason is not None]
    assert len(set(settled)) <= 1
    assert decisions[len(decisions) - len(settled) :] == settled
