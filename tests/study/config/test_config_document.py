import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.document import COMMAND_LINE, NotYaml, parse


def test_numbers_are_those_of_yaml_1_2() -> None:
    text = "a: 1e-4\nb: 0o17\nc: 012\nd: 1.\ne: 0x1F\nf: .5\ng: -3\nh: 1:30\n"
    assert parse(text).values == {
        "a": 1e-4, "b": 15, "c": 12, "d": 1.0, "e": 31, "f": 0.5, "g": -3, "h": "1:30",
    }  # fmt: skip


def test_yes_and_dates_are_text_as_in_the_core_schema() -> None:
    assert parse("a: yes\nb: 2024-01-31\nc: off\nd: =\n").values == {
        "a": "yes", "b": "2024-01-31", "c": "off", "d": "=",
    }  # fmt: skip


def test_every_key_and_item_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  c: [1, 2]\n  d:\n    - x\n    - y: 3\n")
    assert document.line(("b", "c")) == 3
    assert document.line(("b", "c", 1)) == 3
    assert document.line(("b", "d", 1, "y")) == 6


def test_what_is_not_there_has_the_line_of_its_nearest_parent() -> None:
    document = parse("a: 1\nb:\n  c: 2\n")
    assert document.line(("b", "missing", "deeper")) == 2
    assert document.line(("missing",)) == 1


def test_replaced_values_and_what_was_in_them_come_from_the_command_line() -> None:
    document = parse("a:\n  b: 1\nc: 2\n")
    document.replace(("a",))
    assert document.line(("a", "b")) == COMMAND_LINE
    assert document.line(("c",)) == 3


def test_duplicate_keys_name_both_lines_and_do_not_hide_other_mistakes() -> None:
    document = parse("a: 1\nb: {c: 1, d: 2, c: 3}\na: !tag 2\na: 3\n")
    assert [(document.line(path), path, rule) for path, rule in document.mistakes] == [
        (2, ("b", "c"), "given twice, first on line 2: remove one"),
        (4, ("a",), "given twice, first on line 1: remove one"),
        (4, ("a",), "tags are not used here, got !tag"),
        (4, ("a",), "given twice, first on line 3: remove one"),
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: &x {b: *x}", "an alias must not contain itself"),
        ("a: !!binary aGk=", "tags are not used here, got tag:yaml.org,2002:binary"),
        ("? [1, 2]\n: 3", "keys must be names, got a list or a mapping"),
        ('a: "\\ud800"', "must be Unicode text, got half of a surrogate pair"),
        (f"a: {'9' * 5000}", f"cannot be read as a number, got {'9' * 60}"),
    ],
)
def test_what_a_study_cannot_hold_is_a_mistake(text: str, rule: str) -> None:
    assert [mistake.rule for mistake in parse(text).mistakes] == [rule]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\nb: [1\n", 3), ("a: b: c", 1), ("a: 1\n---\nb: 2", 2), ("a: *x", 1), ("a:\n\tb: 1", 2),
     ("a: \x07", 1), ("[" * 5000, 1)],
)  # fmt: skip
def test_text_without_structure_is_not_yaml_and_says_where(text: str, line: int) -> None:
    with pytest.raises(NotYaml, match="not YAML: ") as caught:
        parse(text)
    assert caught.value.line == line


def test_anchors_are_followed() -> None:
    assert parse("a: &x {b: 1}\nc: *x\n").values == {"a": {"b": 1}, "c": {"b": 1}}


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc.", min_size=1), inner),
    max_leaves=20,
)  # fmt: skip


@given(_PLAIN)
def test_json_is_yaml_and_means_the_same(values: object) -> None:
    document = parse(json.dumps(values))
    assert document.values == values
    assert document.mistakes == []
