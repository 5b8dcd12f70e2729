from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.step.payoff import MARGIN, could_pay, pays, quickest, total_seconds, worth_measuring

STEPS = st.integers(0, 10**7)
SECONDS = st.floats(1e-5, 100.0)
COMPILING = st.floats(0.0, 1000.0)
ROUNDS = st.lists(SECONDS, min_size=1, max_size=7)


@given(STEPS, SECONDS, SECONDS, COMPILING)
def test_compiling_is_never_chosen_where_the_trial_would_end_later(
    steps: int, plain: float, compiled: float, compiling: float
) -> None:
    if pays(steps, plain, compiled, compiling):
        assert total_seconds(steps, compiled, compiling) < total_seconds(steps, plain)
        assert compiled < plain


@given(STEPS, st.integers(0, 10**6), SECONDS, SECONDS, COMPILING)
def test_what_pays_in_a_trial_pays_in_a_longer_one(
    steps: int, more: int, plain: float, compiled: float, compiling: float
) -> None:
    if pays(steps, plain, compiled, compiling):
        assert pays(steps + more, plain, compiled, compiling)


@given(STEPS, SECONDS, st.floats(1.0, 10.0), st.floats(1.0, 10.0), COMPILING)
def test_what_is_not_tried_would_not_have_paid(
    steps: int, plain: float, at_best: float, slower: float, compiling: float
) -> None:
    if not could_pay(steps, plain, at_best, compiling):
        assert not pays(steps, plain, plain / at_best * slower, compiling)


def test_forty_seconds_pay_in_ten_minutes_and_not_in_one() -> None:
    assert pays(6000, 0.1, 0.08, 40.0)
    assert not pays(600, 0.1, 0.08, 40.0)


@pytest.mark.parametrize(("steps", "worth"), [(100, False), (280, True)])
def test_measuring_is_worth_a_twentieth_of_a_trial(steps: int, worth: bool) -> None:
    assert worth_measuring(steps, 0.1, 1.4) is worth


@given(st.dictionaries(st.sampled_from("abc"), ROUNDS), ROUNDS)
def test_the_default_gives_way_to_a_clear_winner_alone(
    others: dict[str, list[float]], default: list[float]
) -> None:
    rounds = {**others, "default": default}
    chosen = quickest("default", rounds)
    middle = {name: sorted(seconds) for name, seconds in rounds.items()}
    if chosen != "default":
        low = middle[chosen][(len(middle[chosen]) - 1) // 2]
        assert low < (1 - MARGIN) * middle["default"][len(default) // 2]


def test_one_slow_round_decides_nothing() -> None:
    rounds = {"default": [1.0, 1.0, 9.0, 1.0, 1.0], "other": [0.98] * 5}
    assert quickest("default", rounds) == "default"
    rounds = {"default": [1.0] * 5, "other": [0.5, 9.0, 0.5, 0.5, 9.0]}
    assert quickest("default", rounds) == "other"
