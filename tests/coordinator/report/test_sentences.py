"""What helped, in words."""

from __future__ import annotations

import numpy as np

from coordinator.report.effects import Effects, effects
from coordinator.report.sentences import amount, method, sentence, short_names
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
    guided = " ".join(method(found(), trials=50, sampler=SamplerConfig(), names=NAMES))
    assert "were not varied independently" in guided
    assert "One comparison was made" in guided
    random = SamplerConfig(name="random")
    assert "drawn independently" in " ".join(
        method(found(), trials=50, sampler=random, names=NAMES)
    )


def test_parameters_with_too_few_trials_are_named() -> None:
    few = effects([made(0, 0.5, {"model.batch_norm": True})], list(NAMES), sign=1)
    assert method(few, trials=1, sampler=SamplerConfig(), names=NAMES)[-1].endswith(": batch_norm.")


def test_a_short_name_is_used_only_where_it_is_of_one_parameter() -> None:
    names = short_names(["model.dropout", "training.dropout", "training.batch_size"])
    assert names == {
        "model.dropout": "model.dropout",
        "training.dropout": "training.dropout",
        "training.batch_size": "batch_size",
    }
