"""What helped, in words."""

from __future__ import annotations

import numpy as np

from coordinator.report.effects import Effects, effects
from coordinator.report.sentences import (
    amount,
    chance,
    confounding,
    nothing,
    sentence,
    short_names,
    skipped,
)
from study.config.search import SamplerConfig

from .conftest import made

NAMES = {"model.batch_norm": "batch_norm"}


def found() -> Effects:
    values = np.random.default_rng(0).normal(0.75, 0.02, 50)
    trials = [
        made(number, value + (0.06 if number < 31 else 0.0), {"model.batch_norm": number < 31})
        for number, value in enumerate(values)
    ]
    return effects(trials, list(NAMES), sign=1)


def test_an_effect_is_told_with_its_interval_and_its_trials() -> None:
    subject, rest = sentence(found().effects[0], "accuracy", NAMES)
    assert subject == "batch_norm on:"
    assert rest == "+4.5 points, 95 % interval 3.6 to 5.6, 31 of 50 trials"


def test_only_metrics_that_are_fractions_have_points() -> None:
    assert amount(0.0614, "f1", unit=True) == "+6.1 points"
    assert amount(-0.0614, "loss", unit=True) == "\N{MINUS SIGN}0.0614"
    assert amount(-0.0614, "accuracy") == "\N{MINUS SIGN}6.1"


def test_the_reader_is_warned_as_the_sampler_demands() -> None:
    assert "were not varied independently" in confounding(SamplerConfig())
    assert "drawn independently" in confounding(SamplerConfig(name="random"))
    assert confounding(SamplerConfig(name="nsga2", population=8)).startswith("After 8 trials")


def test_the_reader_is_told_how_many_would_be_listed_by_chance() -> None:
    assert chance(found()) == []
    (said,) = chance(*[found()] * 30)
    assert said.startswith("30 comparisons were made: if no parameter mattered, 1.5 of them")


def test_parameters_with_too_few_trials_are_named() -> None:
    few = {"model.depth": "depth", **NAMES}
    trials = [made(n, n / 100, {"model.batch_norm": n % 2 == 0}) for n in range(20)]
    assert skipped(effects(trials, list(few), sign=1), few).endswith(": depth.")
    none = effects(trials[:4], list(few), sign=1)
    assert (skipped(none, few), nothing(none)[:14]) == ("", "too few trials")


def test_a_short_name_is_used_only_where_it_is_of_one_parameter() -> None:
    assert short_names(
        [
            "model.dropout",
            "training.dropout",
            "training.augmentation.rotation",
            "model.n_filters.0",
        ]
    ) == {
        "model.dropout": "model.dropout",
        "training.dropout": "training.dropout",
        "training.augmentation.rotation": "rotation",
        "model.n_filters.0": "n_filters.0",
    }
