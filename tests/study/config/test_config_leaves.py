import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from study.config.leaves import branches, leaves


def test_lists_have_as_many_leaves_as_the_study_gives_them() -> None:
    names = leaves({"model": {"n_filters": [8, 8]}})
    assert [name for name in names if name.startswith("model.n_filters")] == [
        "model.n_filters.0",
        "model.n_filters.1",
    ]
    assert "model.kernel_sizes.3" in names  # the default has four


def test_a_list_that_is_null_has_no_leaves() -> None:
    names = leaves({"training": {"augmentation": {"crop_scale": None}}})
    assert not [name for name in names if "crop_scale" in name]


def test_nothing_outside_model_and_training_is_a_leaf_nor_is_the_seed() -> None:
    names = leaves({"data": {"image_size": 64}, "search": {}})
    assert {name.partition(".")[0] for name in names} == {"model", "training"}
    assert "training.seed" not in names


def test_lists_and_sections_are_branches_and_no_leaf_is() -> None:
    assert {"model", "model.n_filters", "training.augmentation"} <= branches()
    assert "training.augmentation.crop_scale" in branches()
    assert not branches() & leaves({}).keys()


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("model.n_layers", 2, 0),
        ("model.n_filters.1", 16, 16.5),
        ("model.kernel_sizes.0", 5, 4),
        ("training.optimizer", "sgd", "sgdd"),
        ("training.gradient_clip", None, 0.0),
        ("training.label_smoothing", 0.2, 0.25),
        ("training.augmentation.crop_scale.0", 0.5, -1.0),
        ("training.early_stopping", None, "3"),
    ],
)
def test_a_leaf_takes_what_its_record_takes(name: str, good: object, bad: object) -> None:
    accepts: TypeAdapter[object] = TypeAdapter(leaves({})[name])
    assert accepts.validate_json(json.dumps(good), strict=True) == good
    with pytest.raises(ValidationError):
        accepts.validate_json(json.dumps(bad), strict=True)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(["model", "training", "augmentation", "n_filters"]), inner
            )
        ),
    )
)
def test_leaves_are_found_in_any_document(values: object) -> None:
    assert "training.learning_rate" in leaves(values)
