"""What plotly.js is given."""

from __future__ import annotations

import pytest

from coordinator.report.confusion import confusion, most_confused
from coordinator.report.curves import CURVES, history, learning_curves
from coordinator.report.figure import Figure
from coordinator.report.parallel import parallel_coordinates, slices
from coordinator.report.result import ClassResult, Result
from study.config.parameters import CategoricalParameter, FloatParameter, IntParameter, Parameter

from .conftest import made

LAYERS = IntParameter(type="int", low=2, high=5)
RATE = FloatParameter(type="float", low=1e-4, high=1e-1, log=True)
ACTIVATION = CategoricalParameter(type="categorical", choices=("relu", None, True))


def traces(figure: Figure) -> dict[str, dict[str, list[float | None]]]:
    return {trace["name"]: trace for trace in figure.traces}


def test_pruned_trials_are_drawn_apart_and_end_in_a_cross() -> None:
    best = made(0, 0.9, curve=(0.5, 0.9))
    whole = made(1, 0.8, curve=(0.4, 0.8))
    pruned = made(2, 0.2, curve=(0.1, 0.2), outcome="pruned")
    drawn = traces(learning_curves([best, whole, pruned], "accuracy", best, 1))
    assert drawn["cut short"]["y"] == [0.1, 0.2, None]
    assert drawn["complete"]["y"] == [0.4, 0.8, None]
    assert drawn["best (trial 0)"]["x"] == [1, 2, None]
    assert (drawn["where it was cut"]["x"], drawn["where it was cut"]["y"]) == ([2], [0.2])


@pytest.mark.parametrize("sign", [1, -1])
def test_many_curves_are_thinned_out_from_best_to_worst_and_it_is_said(sign: int) -> None:
    trials = [made(number, number / 1000, curve=(number / 1000,)) for number in range(1000)]
    figure = learning_curves(trials, "loss", None, sign)
    values = [value for value in traces(figure)["complete"]["y"] if value is not None]
    assert len(values) == CURVES
    assert {values[0], values[-1]} == {0.0, 0.999}
    assert "900 of 1,000 curves are left out" in figure.note


def test_the_best_so_far_follows_the_direction() -> None:
    trials = [made(number, value) for number, value in enumerate([0.5, 0.7, 0.6, 0.4])]
    assert traces(history(trials, "accuracy", 1))["best so far"]["y"] == [0.5, 0.7, 0.7, 0.7]
    assert traces(history(trials, "loss", -1))["best so far"]["y"] == [0.5, 0.5, 0.5, 0.4]


def test_every_complete_trial_has_its_place_on_every_axis() -> None:
    space: dict[str, Parameter] = {"model.n": LAYERS, "training.rate": RATE, "model.a": ACTIVATION}
    trials = [
        made(0, 0.5, {"model.n": 2, "training.rate": 1e-4, "model.a": None}),
        made(1, 0.4, {"model.n": 5, "training.rate": 1e-1}),
        made(2, None, {"model.n": 3}, outcome="failed"),
    ]
    names = {"model.n": "n", "training.rate": "rate", "model.a": "a"}
    figure = parallel_coordinates(trials, space, names, "accuracy", 1)
    layers, rate, activation, value = figure.traces[0]["dimensions"]
    assert value["values"] == [0.4, 0.5]
    assert (layers["values"], layers["ticktext"]) == ([5, 2], ["2", "3", "4", "5"])
    assert rate["values"] == [-1, -4]
    assert activation["ticktext"] == ["\N{EN DASH}", "relu", "none", "on"]
    assert activation["values"] == [pytest.approx(-0.3), 1.0]  # absent, none


def test_a_named_value_has_a_place_though_no_trial_drew_it() -> None:
    figure = slices([made(0, 0.5, {"model.a": True})], "model.a", ACTIVATION, "a", "accuracy")
    assert figure.traces[0]["x"] == ["on"]
    assert figure.layout["xaxis"]["categoryarray"] == ["relu", "none", "on"]


def test_the_confusion_matrix_shows_shares_of_the_true_class() -> None:
    each = ClassResult(precision=0.5, recall=0.5, f1=0.5, support=4)
    result = Result(
        classes=("cat", "dog", "panda"),
        confusion=((3, 1, 0), (2, 2, 0), (0, 0, 0)),
        per_class=dict.fromkeys(("cat", "dog", "panda"), each),
        low_support=("panda",),
        metrics={"accuracy": 0.6},
        mistakes=(),
    )
    (heat,) = confusion(result).traces
    assert heat["z"] == [[0.75, 0.25, 0], [0.5, 0.5, 0], [0, 0, 0]]
    assert heat["text"] == ((3, 1, 0), (2, 2, 0), (0, 0, 0))
    pairs = [(pair.true, pair.predicted, pair.pictures, pair.of) for pair in most_confused(result)]
    assert pairs == [("dog", "cat", 2, 4), ("cat", "dog", 1, 4)]
