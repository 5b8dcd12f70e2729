from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import ValidationError

from study.config.parameters import CategoricalParameter, FloatParameter, IntParameter

BOUNDS = st.integers(-1000, 1000)


@given(BOUNDS, BOUNDS, st.integers(1, 50))
def test_accepted_whole_ranges_are_taken_by_optuna_as_they_are(
    low: int, high: int, step: int
) -> None:
    try:
        parameter = IntParameter(type="int", low=low, high=high, step=step)
    except ValidationError:
        assert low > high or (high - low) % step != 0 or (low == high and step > 1)
        return
    # A warning, which Optuna gives where it changes `high`, would fail this test.
    assert IntDistribution(low, high, step=step).high == parameter.high


@given(st.integers(-100, 100), st.integers(1, 60), st.sampled_from([0.05, 0.1, 0.25, 0.3]))
def test_stepped_ranges_contain_what_optuna_proposes(start: int, count: int, step: float) -> None:
    low = start / 100
    high = float(f"{low + count * step:.2f}")
    parameter = FloatParameter(type="float", low=low, high=high, step=step)
    assert FloatDistribution(low, high, step=step).high == high
    assert all(parameter.contains(value) for value in parameter.examples([low + step]))
    assert not parameter.contains(low + step / 2)


@pytest.mark.parametrize(
    ("kind", "fields", "rule"),
    [
        (FloatParameter, {"low": 1, "high": 0.1}, "low: must not be above high, got low=1.0"),
        (
            FloatParameter,
            {"low": 0, "high": 1, "log": True},
            "must be above 0 in a log",
        ),
        (
            FloatParameter,
            {"low": 1, "high": 2, "log": True, "step": 0.1},
            "does not go with",
        ),
        (FloatParameter, {"low": 0, "high": 0.5, "step": 0.7}, "step: must fit into the range"),
        (FloatParameter, {"low": 0, "high": 1e300, "step": 0.1}, "step: must fit into the range"),
        (FloatParameter, {"low": 0, "high": 0.5, "step": 0.2}, "the last step is at 0.4"),
        (IntParameter, {"low": 1, "high": 6, "step": 2}, "the last step is at 5"),
        (
            IntParameter,
            {"low": 1, "high": 8, "log": True, "step": 2},
            "does not go with",
        ),
        (IntParameter, {"low": 1, "high": 2**60}, "less than or equal"),
        (CategoricalParameter, {"choices": [1, True]}, "choices: must differ"),
        (CategoricalParameter, {"choices": ["a", "a"]}, "choices: must differ"),
        (CategoricalParameter, {"choices": ["a"], "when": "b = 2"}, "must read"),
    ],
)
def test_broken_ranges_are_refused_with_the_rule(
    kind: Any, fields: dict[str, Any], rule: str
) -> None:
    names = {FloatParameter: "float", IntParameter: "int", CategoricalParameter: "categorical"}
    with pytest.raises(ValidationError, match=rule):
        kind(type=names[kind], **fields)


def test_kinds_of_values_are_kept_apart() -> None:
    assert not IntParameter(type="int", low=0, high=2).contains(True)
    assert not IntParameter(type="int", low=0, high=2).contains(1.0)
    assert FloatParameter(type="float", low=0, high=2).contains(1)
    assert not FloatParameter(type="float", low=0, high=2).contains("1")
    assert not CategoricalParameter(type="categorical", choices=(1, 2)).contains(True)
    assert CategoricalParameter(type="categorical", choices=(None, 2)).contains(None)


@given(st.floats(0, 10), st.floats(0, 10))
def test_examples_hit_every_interval_that_meets_the_range(one: float, other: float) -> None:
    left, right = sorted((one, other))
    examples = FloatParameter(type="float", low=2, high=5).examples([left, right])
    middle = left / 2 + right / 2
    if 2 < middle < 5 and left < middle < right:
        assert any(left < value < right for value in examples if isinstance(value, float))


@given(st.integers(0, 40), st.integers(1, 5), st.integers(0, 12))
def test_examples_of_whole_ranges_hold_the_neighbours(mark: int, step: int, count: int) -> None:
    parameter = IntParameter(type="int", low=4, high=4 + max(count, 1) * step, step=step)
    grid = range(4, parameter.high + 1, step)
    examples = parameter.examples([mark])
    assert set(examples) <= set(grid)
    for near in (
        max((v for v in grid if v < mark), default=4),
        min((v for v in grid if v > mark), default=4),
    ):
        assert near in examples
