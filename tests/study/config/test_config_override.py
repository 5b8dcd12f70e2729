import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from study.config.document import COMMAND_LINE, Document, parse
from study.config.override import override

FILE = """
training:
  epochs: 5
space:
  training.learning_rate: {type: float, low: 1e-4, high: 1e-2}
search:
  budget: {trials: 3}
  warm_start:
    - {training.learning_rate: 1e-3}
empty:
"""


def overridden(*overrides: str) -> Document:
    document = parse(FILE)
    document.mistakes += override(document, overrides)
    return document


def rules(*overrides: str) -> list[str]:
    return [rule for _, rule in overridden(*overrides).mistakes]


def test_values_are_read_as_yaml() -> None:
    values = overridden("training.a=1e-4", "training.b=[1, x]", "training.c=", "training.d=a=b")
    assert values.values["training"] == {
        "epochs": 5, "a": 1e-4, "b": [1, "x"], "c": None, "d": "a=b",
    }  # fmt: skip


def test_sections_are_made_on_the_way_and_come_from_the_command_line() -> None:
    document = overridden("data.split.val=0.2", "empty.x=1")
    assert document.values["data"] == {"split": {"val": 0.2}}
    assert document.values["empty"] == {"x": 1}
    assert document.line(("data", "split", "val")) == COMMAND_LINE
    assert document.line(("training", "epochs")) == 3


def test_an_element_of_a_list_that_the_file_leaves_out_changes_its_default() -> None:
    assert overridden("model.n_filters.0=16").values["model"] == {"n_filters": [16, 64, 128, 256]}
    training = overridden("training.augmentation.crop_scale.0=0.5").values["training"]
    assert training["augmentation"] == {"crop_scale": [0.5, 1.0]}


def test_keys_that_hold_dots_are_found() -> None:
    document = overridden(
        "space.training.learning_rate.low=1e-5",
        "space.training.momentum={type: float, low: 0.5, high: 0.9}",
        "search.warm_start.0.training.learning_rate=2e-3",
        "search.warm_start.0.training.momentum=0.6",
    )
    assert document.mistakes == []
    assert document.values["space"]["training.learning_rate"]["low"] == 1e-5
    assert document.values["space"]["training.momentum"]["high"] == 0.9
    assert document.values["search"]["warm_start"] == [
        {"training.learning_rate": 2e-3, "training.momentum": 0.6}
    ]


def test_the_last_of_two_overrides_wins() -> None:
    assert overridden("training.epochs=6", "training.epochs=7").values["training"]["epochs"] == 7


def test_what_cannot_be_put_in_names_the_rule() -> None:
    assert rules("training.epochs") == [
        "an override must be written path=value, got 'training.epochs'"
    ]
    assert rules("training..epochs=1") == [
        "an override must be written path=value, got 'training..epochs=1'"
    ]
    assert rules("training.epochs.x=1") == ["training.epochs is a single value and has no x"]
    assert rules("model.n_filters.4=1") == [
        "model.n_filters is a list with the elements 0 to 3, got 4"
    ]
    assert rules("search.warm_start.1.x=1") == [
        "search.warm_start is a list with the elements 0 to 0, got 1"
    ]
    assert rules("space.training.learning_rat.low=1") == [
        "space has no such parameter; did you mean training.learning_rate? "
        "valid: training.learning_rate"
    ]
    (rule,) = rules("training.epochs=[1")
    assert rule.startswith("not YAML: ")
    (rule,) = rules("training.epochs=!x 1")
    assert rule == "tags are not used here, got !x"


def test_a_mistake_does_not_stop_the_other_overrides() -> None:
    document = overridden("x", "training.epochs=9")
    assert document.values["training"]["epochs"] == 9


_KEYS = st.lists(st.text("abcxyz_", min_size=1, max_size=6), min_size=1, max_size=4)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab =.", max_size=5),
    lambda inner: st.lists(inner, max_size=3),
)


@given(_KEYS, _VALUES)
def test_what_is_put_in_is_found_there(keys: list[str], value: Any) -> None:
    document = Document({})
    assert override(document, [f"{'.'.join(keys)}={json.dumps(value)}"]) == []
    found = document.values
    for key in keys:
        found = found[key]
    assert found == value


@given(st.text(max_size=40))
def test_any_override_is_put_in_or_is_a_mistake(text: str) -> None:
    document = parse(FILE)
    mistakes = override(document, [text])
    assert all(document.line(path) == COMMAND_LINE for path, _ in mistakes)
    assert mistakes or document.values != parse(FILE).values or "=" in text
