"""Which groups of trials are compared."""

from __future__ import annotations

import pytest

from coordinator.report.contrasts import Value, contrasts, shown


def labels(values: list[Value]) -> list[tuple[str, str]]:
    return [(c.group.label, c.against.label) for c in contrasts("model.x", values)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3, 3, 3], []),
        ([True, False, True], [("on", "off")]),
        (["sgd", "adamw"], [("sgd", "adamw")]),
        ([None, "a"], [("a", "none")]),
        ([64, 32, 64], [("64", "32")]),
        ([3, 4, 5], [("3", "the others"), ("4", "the others"), ("5", "the others")]),
        (["a", "b", "c", "d", "e"], [(name, "the others") for name in "abcde"]),
        (
            [0.1 * step for step in range(1, 9)],
            [("0.7 to 0.8", "0.1 to 0.2"), ("0.3 to 0.6", "below and above")],
        ),
        ([1] * 9 + [2, 3, 4, 5], [("2 to 5", "1")]),
        ([1] * 30 + [2, 3, 4, 5], []),
    ],
)
def test_a_parameter_is_compared_by_its_kind(
    values: list[Value], expected: list[tuple[str, str]]
) -> None:
    assert labels(values) == expected


def test_both_groups_of_numbers_are_apart_and_inside_what_was_tried() -> None:
    values: list[Value] = [0.001 * 1.3**step for step in range(20)]
    for contrast in contrasts("training.learning_rate", values):
        groups = [
            {value for value in values if group.has(value)}
            for group in (contrast.group, contrast.against)
        ]
        assert groups[0]
        assert groups[1]
        assert not groups[0] & groups[1]
        assert not contrast.group.has("sgd")


def test_values_are_shown_as_a_person_writes_them() -> None:
    shown_values = [shown(value) for value in (True, False, None, 64, 0.00312345, "relu")]
    assert shown_values == ["on", "off", "none", "64", "0.00312", "relu"]
