import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.config.conditions import Clause, parse_condition, satisfied
from study.config.document import Scalar

NAMES = st.from_regex(r"[a-z_]{1,8}(\.[a-z0-9_]{1,8}){0,3}", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(
    allow_nan=False, allow_infinity=False
)  # fmt: skip
CLAUSES = st.builds(
    Clause,
    NAMES,
    st.sampled_from(["==", "!=", ">=", "<=", ">", "<"]),
    st.tuples(SCALARS),
) | st.builds(Clause, NAMES, st.just("in"), st.lists(SCALARS, min_size=1, max_size=3).map(tuple))


def written(clause: Clause) -> str:
    values = [json.dumps(value) for value in clause.values]
    right = f"[{', '.join(values)}]" if clause.operator == "in" else values[0]
    return f"{clause.name} {clause.operator} {right}"


@given(st.lists(CLAUSES, min_size=1, max_size=4))
def test_a_written_condition_is_read_back(clauses: list[Clause]) -> None:
    assert parse_condition(" and ".join(map(written, clauses))) == tuple(clauses)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    try:
        clauses = parse_condition(text)
    except ValueError:
        return
    assert clauses
    assert all(clause.name in text for clause in clauses)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("model.n_layers>=2", [("model.n_layers", ">=", (2,))]),
        ("a == sgd and b < 1e-4", [("a", "==", ("sgd",)), ("b", "<", (1e-4,))]),
        (
            "a in [x, 'y, z', 3] and b != null",
            [("a", "in", ("x", "y, z", 3)), ("b", "!=", (None,))],
        ),
        ("a == 'x and y'", [("a", "==", ("x and y",))]),
        ("android == sand and b == 1", [("android", "==", ("sand",)), ("b", "==", (1,))]),
        ("  a in[1]  ", [("a", "in", (1,))]),
    ],
)
def test_conditions_are_read_as_written(
    text: str, clauses: list[tuple[str, str, tuple[Scalar | None, ...]]]
) -> None:
    assert parse_condition(text) == tuple(Clause(*clause) for clause in clauses)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a ==", "== 2", "a = 2", "a == 2 or b == 3", "a == 2 and", "a in 2", "a in []",
     "a == 2 b == 3", "a == 2and b == 3", "a <> 2", "not a == 2", "2 <= a", "a == 1 2"],
)  # fmt: skip
def test_what_is_no_condition_is_told_the_grammar(text: str) -> None:
    with pytest.raises(ValueError, match=r"must read `<parameter> <op> <value>`"):
        parse_condition(text)


@pytest.mark.parametrize("text", ["a > .inf", "a == .nan", "a in [1, -.inf]"])
def test_nothing_is_compared_with_infinity(text: str) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        parse_condition(text)


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_operators_mean_on_numbers_what_they_mean_in_python(left: int, right: int) -> None:
    chosen = {"a": left}
    assert satisfied(f"a == {right}", chosen) == (left == right)
    assert satisfied(f"a != {right}", chosen) == (left != right)
    assert satisfied(f"a >= {right}", chosen) == (left >= right)
    assert satisfied(f"a <= {right}", chosen) == (left <= right)
    assert satisfied(f"a > {right}", chosen) == (left > right)
    assert satisfied(f"a < {right}", chosen) == (left < right)
    assert satisfied(f"a in [{right}, 9]", chosen) == (left == right)


def test_true_is_not_one_and_text_is_not_a_number() -> None:
    assert not satisfied("a == 1", {"a": True})
    assert not satisfied("a == 1", {"a": "1"})
    assert satisfied("a == 1", {"a": 1.0})
    assert not satisfied("a > 0", {"a": "1"})


def test_a_sampled_step_is_equal_to_the_number_that_was_written() -> None:
    sampled = 0.1 + 0.2
    assert sampled != 0.3
    assert math.isclose(sampled, 0.3)
    assert satisfied("a == 0.3 and a <= 0.3 and a >= 0.3", {"a": sampled})
    assert not satisfied("a > 0.3", {"a": sampled})


def test_a_condition_on_a_parameter_that_is_not_chosen_is_false() -> None:
    assert not satisfied("a != 1", {})
    assert not satisfied("b == 1 and a == 2", {"b": 1})
    assert satisfied("b == 1", {"b": 1})
