"""The trials that no other beats in both objectives."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from coordinator.report.evidence import Objective, Trial
from coordinator.report.pareto import pareto, pareto_front

from .conftest import made

ACCURACY = Objective(name="accuracy", sign=1)
LATENCY = Objective(name="latency", sign=-1)


def with_values(*values: tuple[float, float]) -> list[Trial]:
    return [replace(made(number, 0.0), values=pair) for number, pair in enumerate(values)]


def test_the_front_goes_from_the_most_accurate_to_the_fastest() -> None:
    trials = with_values((0.9, 30.0), (0.8, 10.0), (0.7, 20.0), (0.95, 90.0), (0.9, 40.0))
    trials.append(made(5, None, outcome="failed"))
    front = pareto_front(trials, (ACCURACY, LATENCY))
    assert [trial.number for trial in front] == [3, 0, 1]
    figure = pareto(trials, front, ("accuracy", "latency"))
    assert figure.traces[1]["x"] == [90.0, 30.0, 10.0]
    assert "5 complete trials, of which 3" in figure.alternative


few = st.integers(0, 4).map(float)


@given(st.lists(st.tuples(few, few), min_size=1, max_size=12), st.sampled_from([1, -1]))
def test_a_trial_is_on_the_front_exactly_when_none_is_better_in_both(
    values: list[tuple[float, float]], sign: int
) -> None:
    objectives = (Objective(name="a", sign=sign), LATENCY)
    front = {t.values for t in pareto_front(with_values(*values), objectives)}

    def beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
        least = sign * one[0] >= sign * other[0] and one[1] <= other[1]
        return least and one != other

    assert front == {own for own in values if not any(beats(other, own) for other in values)}
