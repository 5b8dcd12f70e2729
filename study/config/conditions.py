"""The `when` of a parameter: what it says, and whether it holds for chosen values.

    clause { " and " clause }      clause: name op value | name in [value, value]

with the operators == != >= <= > < and values written as in YAML (quoted where they hold spaces).
Knows nothing of ranges; whether a condition makes sense in a space is asked in space.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from study.config.document import Scalar, parse

Kind = str
"""`number`, `text`, `true or false` or `null`: only values of one kind can be compared."""

ORDERED = (">=", "<=", ">", "<")

_VALUE = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s\[\]{},'"=<>!]+"""
_CLAUSE = re.compile(
    rf"""\s*(?P<name>[A-Za-z_][\w.]*)
    (?:\s*(?P<operator>==|!=|>=|<=|>|<)\s*(?P<value>{_VALUE})
      |\s+in\s*(?P<list>\[\s*(?:{_VALUE})(?:\s*,\s*(?:{_VALUE}))*\s*\]))
    \s*(?P<more>(?<=[\s\]'"])and\s+(?=\S))?""",
    re.VERBOSE,
)
_GRAMMAR = "must read `<parameter> <op> <value>` (op: == != >= <= > < or in [a, b]) joined by `and`"


@dataclass(frozen=True)
class Clause:
    """One comparison."""

    name: str
    """Dotted path of the parameter it looks at."""
    operator: str
    values: tuple[Scalar | None, ...]
    """What is compared with: one value, or those of `in`."""

    def holds(self, value: Scalar | None) -> bool:
        """Whether `value` satisfies the comparison; values of different kinds are only unequal.

        Numbers within 1e-9 of each other are equal: a stepped float is sampled as
        0.30000000000000004 and compared with 0.3.
        """
        if self.operator in ORDERED:
            return _ordered(self.operator, value, self.values[0])
        found = any(_equal(value, wanted) for wanted in self.values)
        return found != (self.operator == "!=")

    def __str__(self) -> str:
        shown = ", ".join(_shown(value) for value in self.values)
        return f"{self.name} {self.operator} {f'[{shown}]' if self.operator == 'in' else shown}"


@lru_cache(maxsize=1024)  # asked again for every trial and every record that is validated
def parse_condition(text: str) -> tuple[Clause, ...]:
    """The clauses of a condition, all of which must hold. Raises ValueError with the rule."""
    clauses = []
    position, more = 0, True
    while more:
        match = _CLAUSE.match(text, position)
        if match is None:
            raise ValueError(f"{_GRAMMAR}, got {text!r}")
        operator = match["operator"] or "in"
        clauses.append(Clause(match["name"], operator, _values(match["list"] or match["value"])))
        position, more = match.end(), match["more"] is not None
    if position != len(text):
        raise ValueError(f"{_GRAMMAR}, got {text!r}")
    return tuple(clauses)


def satisfied(condition: str, chosen: Mapping[str, Scalar | None]) -> bool:
    """Whether every clause holds for the chosen values.

    A clause on a parameter that is not chosen, because it is itself inactive, does not hold.
    """
    return all(
        clause.name in chosen and clause.holds(chosen[clause.name])
        for clause in parse_condition(condition)
    )


def kind(value: Scalar | None) -> Kind:
    """What `value` can be compared with."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "text" if isinstance(value, str) else "number"


def _values(text: str) -> tuple[Scalar | None, ...]:
    document = parse(text)
    values = document.values if isinstance(document.values, list) else [document.values]
    for value in values:
        if isinstance(value, list | dict) or document.mistakes:
            raise ValueError(f"a condition compares with single values, got {text}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"a condition compares with finite numbers, got {text}")
    return tuple(values)


def _equal(left: Scalar | None, right: Scalar | None) -> bool:
    if kind(left) != kind(right):
        return False
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9)
    return left == right


def _ordered(operator: str, left: Scalar | None, right: Scalar | None) -> bool:
    if kind(left) != "number" or kind(right) != "number":
        return False
    assert isinstance(left, int | float)
    assert isinstance(right, int | float)
    if _equal(left, right):
        return operator in (">=", "<=")
    return (left > right) == (operator in (">=", ">"))


def _shown(value: Scalar | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)
