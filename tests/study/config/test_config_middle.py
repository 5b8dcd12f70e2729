"""The middle of a space is a trial that the study could have."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from study.config.fill import fill
from study.config.load import load_study
from study.config.middle import middle
from study.config.parameters import Parameter

SPACE = TypeAdapter(dict[str, Parameter])


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"type": "float", "low": 0.0, "high": 0.4}, 0.2),
        ({"type": "float", "low": 1e-4, "high": 1e-2, "log": True}, 1e-3),
        ({"type": "float", "low": 0.1, "high": 0.25, "step": 0.05}, 0.15),
        ({"type": "int", "low": 2, "high": 4}, 3),
        ({"type": "int", "low": 2, "high": 3}, 2),
        ({"type": "int", "low": 3, "high": 7, "step": 2}, 5),
        ({"type": "int", "low": 256, "high": 1024, "log": True}, 512),
        ({"type": "categorical", "choices": [16, 32, 64]}, 32),
        ({"type": "categorical", "choices": ["adamw", "sgd"]}, "sgd"),
    ],
)
def test_each_kind_of_parameter_has_its_middle(
    parameter: dict[str, object], expected: object
) -> None:
    space = SPACE.validate_python({"a": parameter})
    found = middle(space)["a"]
    assert found == pytest.approx(expected)
    assert type(found) is type(expected)
    assert space["a"].contains(found)


def test_a_parameter_whose_condition_does_not_hold_there_is_left_out() -> None:
    found = middle(
        SPACE.validate_python(
            {
                "model.n_layers": {"type": "int", "low": 2, "high": 4},
                "deep": {"type": "int", "low": 1, "high": 1, "when": "model.n_layers >= 4"},
                "here": {"type": "int", "low": 1, "high": 1, "when": "model.n_layers == 3"},
            }
        )
    )
    assert found == {"model.n_layers": 3, "here": 1}


@pytest.mark.parametrize("name", ["fashion", "pokemon", "inaturalist", "birds", "simpsons"])
def test_the_middle_of_a_shipped_study_can_be_trained(name: str) -> None:
    study = load_study(Path(__file__).parents[3] / "configs" / f"{name}.yaml")
    fill(study, middle(study.space))
