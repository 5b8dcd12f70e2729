import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.dump import dump
from study.config.identity import differences, identity
from study.config.load import load_study
from study.config.records import StudyConfig

SPACE = {
    "model.n_layers": {"type": "int", "low": 1, "high": 4},
    "training.optimizer": {"type": "categorical", "choices": ["adamw", "sgd"]},
    "training.learning_rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True},
    "training.gradient_clip": {"type": "categorical", "choices": [None, 1, 2.5]},
    "model.n_filters.3": {"type": "int", "low": 8, "high": 64, "step": 8,
                          "when": "model.n_layers >= 4"},
    "training.momentum": {"type": "float", "low": 0.5, "high": 0.9, "step": 0.1,
                          "when": "training.optimizer == 'sgd' and model.n_layers in [1, 4]"},
}  # fmt: skip

SPACES = st.integers(0, len(SPACE)).map(lambda count: dict(list(SPACE.items())[:count]))
POSITIVE = st.floats(1e-300, 1e300)
FIELDS = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True),
        "data": st.fixed_dictionaries(
            {
                "source": st.text(st.characters(exclude_characters="\0/.", codec="utf-8"),
                                  min_size=1, max_size=20).map("/x/{}".format),
                "image_size": st.integers(8, 1024),
            },
            optional={
                "sha256": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
                "channels": st.sampled_from([1, 3]),
                "split": st.fixed_dictionaries({"val": st.floats(1e-6, 0.8)}, optional={
                    "group": st.sampled_from(["^([^_]+)", "(a|b)#: 'c", "(1e-4)", "(\n)"])}),
            },
        ),
        "training": st.fixed_dictionaries({}, optional={
            "learning_rate": POSITIVE,
            "gradient_clip": st.none() | POSITIVE,
            "epochs": st.integers(1, 10**6),
            "seed": st.integers(-(10**18), 10**18),
        }),
        "space": SPACES,
        "search": st.fixed_dictionaries({"budget": st.fixed_dictionaries(
            {"trials": st.integers(1, 1000)}, optional={"hours": POSITIVE})}),
        "resources": st.fixed_dictionaries({}, optional={"lease_seconds": st.floats(1, 1e9)}),
    }
)  # fmt: skip
STUDIES = FIELDS.map(StudyConfig.model_validate)


@given(STUDIES)
def test_a_dumped_study_is_read_back_equal(tmp_path: Path, config: StudyConfig) -> None:
    path = tmp_path / "dumped.yaml"
    path.write_bytes(dump(config).encode())
    again = load_study(path)
    assert again == config
    assert list(again.space) == list(config.space)
    assert identity(again) == identity(config)


def test_a_path_with_unusual_line_breaks_is_read_back_equal(tmp_path: Path) -> None:
    config = study(data={"source": "/x/a\x85b\u2028c", "image_size": 64})
    path = tmp_path / "dumped.yaml"
    path.write_bytes(dump(config).encode())
    assert load_study(path) == config


@given(STUDIES, STUDIES)
def test_studies_differ_exactly_where_their_identities_do(
    one: StudyConfig, other: StudyConfig
) -> None:
    assert (differences(one, other) == []) == (identity(one) == identity(other))
    assert differences(one, one) == []


@given(STUDIES)
def test_an_identity_survives_the_way_through_the_database(config: StudyConfig) -> None:
    text = json.dumps(json.loads(config.model_dump_json()), sort_keys=True)
    assert identity(StudyConfig.model_validate_json(text)) == identity(config)


def study(**changes: Any) -> StudyConfig:
    fields: dict[str, Any] = {
        "name": "birds",
        "data": {"source": "/birds.zip", "image_size": 64},
        "search": {"budget": {"trials": 3}},
    }
    return StudyConfig.model_validate(fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"search": {"budget": {"trials": 30, "gpu_hours": 2}}},
        {"resources": {"slots_per_device": 4}},
        {"data": {"source": "/mnt/birds.zip", "image_size": 64}},
    ],
)
def test_a_study_goes_on_with_more_budget_other_machines_or_moved_pictures(
    changes: dict[str, Any],
) -> None:
    assert identity(study(**changes)) == identity(study())


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"training": {"epochs": 8}}, "training.epochs: 10 there, 8 here"),
        ({"training": {"gradient_clip": None}}, "training.gradient_clip: 1.0 there, null here"),
        ({"model": {"n_filters": [32, 64, 128, 255]}}, "model.n_filters.3: 256 there, 255 here"),
        ({"model": {"n_filters": [32, 64, 128]}},
         "model.n_filters: [32, 64, 128, 256] there, [32, 64, 128] here"),
        ({"space": {"training.epochs": {"type": "int", "low": 1, "high": 2}}},
         'space.training.epochs: nothing there, {"when": null, "type": "int", "low": 1, "high": '
         '2, "log": f… here'),
        ({"name": "cats"}, 'name: "birds" there, "cats" here'),
    ],
)  # fmt: skip
def test_what_decides_results_makes_another_study(changes: dict[str, Any], line: str) -> None:
    assert identity(study(**changes)) != identity(study())
    assert differences(study(), study(**changes)) == [line]


def test_a_parameter_that_is_gone_is_a_difference() -> None:
    space = {"training.epochs": {"type": "categorical", "choices": [1]}}
    assert differences(study(space=space), study()) == [
        'space.training.epochs: {"when": null, "type": "categorical", "choices": [1]} there, '
        "nothing here"
    ]


def test_choices_that_python_takes_for_equal_are_not() -> None:
    choice = {"type": "categorical", "choices": [1]}
    there = study(space={"training.warmup": choice})
    here = study(space={"training.warmup": choice | {"choices": [1.0]}})
    assert differences(there, here) == ["space.training.warmup.choices.0: 1 there, 1.0 here"]


def test_the_order_of_keys_is_not_part_of_an_identity() -> None:
    turned = dict(reversed(SPACE.items()))
    assert identity(study(space=turned)) == identity(study(space=SPACE))
