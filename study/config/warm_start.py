"""What the points of `search.warm_start` must say: known parameters, values inside their ranges.

Works on plain values, so that all this is found in a file that has other mistakes too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.config.conditions import parse_condition, satisfied
from study.config.document import Mistake
from study.config.nearest import hint
from study.config.parameters import Parameter
from study.config.space import read_space
from study.config.wording import shown


def check_warm_start(values: Any) -> Iterator[Mistake]:
    """The mistakes in `search.warm_start`.

    values: a study as plain values, right or wrong.
    """
    space = read_space(values)
    declared = values.get("space") if isinstance(values, dict) else None
    names = list(declared) if isinstance(declared, dict) else []
    search = values.get("search") if isinstance(values, dict) else None
    points = search.get("warm_start") if isinstance(search, dict) else None
    for index, point in enumerate(points if isinstance(points, list) else []):
        for name, value in (point if isinstance(point, dict) else {}).items():
            if name not in names:
                rule: str | None = f"is not a parameter of the space{hint(name, names)}"
            elif name in space:
                rule = _rule(value, space[name], point)
            else:
                rule = None  # a parameter with mistakes of its own has no range to be inside of
            if rule:
                yield Mistake(("search", "warm_start", index, name), rule)


def _rule(value: Any, parameter: Parameter, point: Mapping[str, Any]) -> str | None:
    if isinstance(value, list | dict):
        return None  # told by the records
    if not parameter.contains(value):
        return f"must be {parameter}, got {shown(value)}"
    if parameter.when is None:
        return None
    decided = {clause.name for clause in parse_condition(parameter.when)} <= point.keys()
    if decided and not satisfied(parameter.when, point):
        return f"is not used in this point, because not: {parameter.when}; leave it out"
    return None
