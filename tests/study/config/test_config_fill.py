from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.fill import active, fill
from study.config.leaves import leaves
from study.config.parameters import IntParameter, Parameter, Scalar
from study.config.records import StudyConfig
from study.errors import Infeasible


def study(**sections: Any) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "name": "birds",
            "data": {"source": "/birds.zip", "image_size": 64},
            "search": {"budget": {"trials": 3}},
            **sections,
        }
    )


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "model.n_layers": st.integers(1, 4),
        "model.n_filters.2": st.integers(1, 2048),
        "model.kernel_sizes.0": st.sampled_from([1, 3, 5, 7]),
        "model.dropout": st.floats(0, 0.99),
        "training.batch_size": st.integers(1, 4096),
        "training.optimizer": st.sampled_from(["adamw", "sgd"]),
        "training.gradient_clip": st.none() | st.floats(0.1, 10),
        "training.augmentation.crop_scale.0": st.floats(0.1, 1),
    },
)


def at(config: StudyConfig, name: str) -> Any:
    value: Any = config.model_dump(mode="json")
    for key in name.split("."):
        value = value[int(key) if isinstance(value, list) else key]
    return value


@given(VALUES)
def test_each_value_is_at_its_place_and_all_else_is_as_it_was(
    values: dict[str, Scalar | None],
) -> None:
    config = study()
    filled = fill(config, values)
    for name in leaves(config.model_dump(mode="json")):
        assert at(filled, name) == (values[name] if name in values else at(config, name))
    assert (filled.data, filled.search, filled.resources, filled.training.seed) == (
        config.data, config.search, config.resources, config.training.seed,
    )  # fmt: skip


@given(VALUES)
def test_filling_twice_is_filling_once(values: dict[str, Scalar | None]) -> None:
    once = fill(study(), values)
    assert fill(once, values) == once


def test_a_whole_number_is_taken_where_a_real_one_belongs() -> None:
    assert fill(study(), {"model.dropout": 0}).model.dropout == 0.0


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"model.n_layers": 5}, "model.n_layers: must be at most 4, for n_filters lists no more"),
        ({"model.n_layers": 2.0}, "model.n_layers: must be a whole number, got 2.0"),
        ({"model.kernel_sizes.1": 4}, "model.kernel_sizes.1: must be odd"),
        ({"training.batch_size": True}, "training.batch_size: must be a whole number, got true"),
        ({"training.learning_rate": float("nan")}, "must be finite, got NaN"),
        ({"model.dropout": 1.0, "training.epochs": 0}, "got 1.0; training.epochs: must be at lea"),
        ({"model.n_filters.9": 5}, "no such parameter; did you mean model.n_filters.3"),
        ({"training.seed": 5}, "training.seed: no such parameter"),
        ({"data.image_size": 5}, "data.image_size: no such parameter"),
        ({"training.augmentation.crop_scale.0": 0.9,
          "training.augmentation.crop_scale.1": 0.5}, "the lowest value must come first"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_infeasible_and_say_why(
    values: dict[str, Scalar | None], rule: str
) -> None:
    with pytest.raises(Infeasible) as caught:
        fill(study(), values)
    assert rule in str(caught.value)


def parameter(when: str | None) -> Parameter:
    return IntParameter(type="int", low=1, high=2, when=when)


def test_a_parameter_without_a_condition_is_always_active() -> None:
    assert active(parameter(None), {})


def test_a_parameter_is_active_where_its_condition_holds_for_what_is_chosen() -> None:
    conditional = parameter("model.n_layers >= 3 and training.optimizer == sgd")
    assert active(conditional, {"model.n_layers": 3, "training.optimizer": "sgd"})
    assert not active(conditional, {"model.n_layers": 2, "training.optimizer": "sgd"})
    assert not active(conditional, {"model.n_layers": 3})


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_what_hangs_on_an_inactive_parameter_is_inactive(values: list[int]) -> None:
    chosen: dict[str, Scalar | None] = {}
    for index, value in enumerate(values):  # each exists only where the one above is not 0
        if active(parameter(f"p{index - 1} > 0" if index else None), chosen):
            chosen[f"p{index}"] = value
    until = values.index(0) + 1 if 0 in values else len(values)
    assert list(chosen) == [f"p{index}" for index in range(until)]
