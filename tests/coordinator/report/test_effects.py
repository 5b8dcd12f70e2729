"""What is said to have helped, and what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coordinator.report.effects import Effect, effects, interval
from coordinator.report.evidence import Trial

from .conftest import made

NAME = "model.batch_norm"


def two_groups(on: list[float], off: list[float]) -> list[Trial]:
    values = [(value, True) for value in on] + [(value, False) for value in off]
    return [made(number, value, {NAME: state}) for number, (value, state) in enumerate(values)]


def around(middle: float, count: int, *, seed: int, spread: float = 0.02) -> list[float]:
    return list(np.random.default_rng(seed).normal(middle, spread, count))


def only(trials: list[Trial], name: str = NAME, *, sign: int = 1) -> Effect:
    (effect,) = effects(trials, [name], sign=sign).effects
    return effect


def test_the_better_of_two_values_is_named_first() -> None:
    trials = two_groups(around(0.80, 12, seed=1), around(0.74, 8, seed=2))
    effect = only(trials)
    assert (effect.contrast.group.label, effect.contrast.against.label) == ("on", "off")
    assert effect.low < 0.06 < effect.high
    assert 0 < effect.low < effect.difference < effect.high
    assert (effect.trials.count, effect.trials.of) == (12, 20)


def test_where_lower_is_better_the_lower_group_is_named_first() -> None:
    effect = only(two_groups(around(0.80, 9, seed=1), around(0.74, 9, seed=2)), sign=-1)
    assert effect.contrast.group.label == "off"
    assert effect.high < 0


def test_nothing_is_said_where_the_interval_includes_zero() -> None:
    found = effects(two_groups(around(0.8, 12, seed=1), around(0.8, 12, seed=2)), [NAME], sign=1)
    assert (found.effects, found.made, found.skipped) == ((), 1, ())


def test_nothing_is_said_of_fewer_than_five_trials_on_a_side() -> None:
    found = effects(two_groups([0.9] * 20, around(0.1, 4, seed=1)), [NAME], sign=1)
    assert (found.effects, found.made, found.skipped) == ((), 0, (NAME,))


def test_nothing_is_said_of_values_without_any_spread() -> None:
    low, high, p = interval(np.full(6, 0.7), np.full(6, 0.5))
    assert (low, high, p) == (-math.inf, math.inf, 1.0)
    assert effects(two_groups([0.7] * 6, [0.5] * 6), [NAME], sign=1).effects == ()


@pytest.mark.parametrize(("group", "against"), [(5, 5), (8, 8), (6, 25), (30, 20)])
def test_in_95_of_100_studies_the_interval_holds_the_true_difference(
    group: int, against: int
) -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high, _ = interval(random.normal(0.5, 1.0, group), random.normal(0.0, 1.0, against))
        covered += low <= 0.5 <= high
    # of 200 right ones: three standard errors below and above 190
    assert 181 <= covered <= 199


def test_a_skewed_metric_keeps_its_interval() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high, _ = interval(-random.exponential(1.0, 15), -random.exponential(1.0, 15))
        covered += low <= 0.0 <= high
    assert covered >= 178


def test_the_same_trials_always_give_the_same_answer() -> None:
    trials = two_groups(around(0.80, 12, seed=1), around(0.74, 8, seed=2))
    first, second = only(trials), only(trials)
    assert (first.low, first.high, first.p) == (second.low, second.high, second.p)


def test_a_best_value_in_the_middle_of_a_range_is_found() -> None:
    rates = np.linspace(0.0, 1.0, 40)
    noise = np.random.default_rng(0).normal(0.0, 0.01, 40)
    trials = [
        made(number, 0.8 - (rate - 0.5) ** 2 + error, {"training.dropout": float(rate)})
        for number, (rate, error) in enumerate(zip(rates, noise, strict=True))
    ]
    effect = only(trials, "training.dropout")
    assert effect.contrast.group.label == "0.256 to 0.744"
    assert effect.contrast.against.label == "below and above"
    assert effect.trials.count == 20


def test_trials_without_the_parameter_are_not_compared() -> None:
    trials = two_groups(around(0.80, 8, seed=1), around(0.70, 8, seed=2))
    others = [made(100 + number, 0.1) for number in range(50)]
    assert only(trials + others).trials == only(trials).trials


def test_pruned_trials_are_counted_beside_and_never_averaged() -> None:
    trials = two_groups(around(0.80, 8, seed=1), around(0.74, 8, seed=2))
    short = [made(100 + number, 0.01, {NAME: number < 2}, outcome="pruned") for number in range(9)]
    effect = only(trials + short)
    assert effect.difference == only(trials).difference
    assert (effect.cut_short.count, effect.cut_short.of) == (2, 10)
    assert (effect.cut_short_against.count, effect.cut_short_against.of) == (7, 15)


def test_a_large_difference_is_firm_and_one_of_many_small_ones_is_not() -> None:
    random = np.random.default_rng(3)
    names = [f"model.n{index}" for index in range(12)]
    trials = []
    for number in range(60):
        chosen: dict[str, bool | int | float | str | None] = {
            name: bool(random.integers(2)) for name in names
        }
        value = 0.7 + 0.05 * bool(chosen["model.n0"]) + random.normal(0.0, 0.02)
        trials.append(made(number, value, chosen))
    found = effects(trials, names, sign=1)
    assert found.made == 12
    firm = [effect.contrast.parameter for effect in found.effects if found.firm(effect)]
    assert firm == ["model.n0"]
    assert found.effects[0].contrast.parameter == "model.n0"
