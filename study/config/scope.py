"""In which trials a parameter can be: its condition, and those of the parameters it looks at.

Knows nothing of one trial's values (see fill.active).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from study.config.conditions import Clause, parse_condition
from study.config.kinds import MODEL_NAME
from study.config.parameters import Parameter


def conditions(parameter: Parameter, space: Mapping[str, Parameter]) -> list[Clause]:
    """All that must hold where the parameter is part of a trial: where one it looks at is not
    there, it is not there either."""
    if parameter.when is None:
        return []
    clauses = parse_condition(parameter.when)
    return [*clauses, *_inherited(clauses, space, set())]


def for_model(parameter: Parameter, space: Mapping[str, Parameter], name: str) -> bool:
    """Whether the parameter can be part of a trial whose model.name is `name`."""
    clauses = [one for one in conditions(parameter, space) if one.name == MODEL_NAME]
    return all(clause.holds(name) for clause in clauses)


def _inherited(
    clauses: tuple[Clause, ...], space: Mapping[str, Parameter], seen: set[str]
) -> Iterator[Clause]:
    for clause in clauses:
        other = space.get(clause.name)
        if other is None or other.when is None or clause.name in seen:
            continue
        seen.add(clause.name)
        outer = parse_condition(other.when)
        yield from outer
        yield from _inherited(outer, space, seen)
