"""What a search space must say beyond its shape: names that exist, values that fit, conditions
that can hold, warm starts inside their ranges.

Works on plain values, so that all this is found in a file that has other mistakes too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from study.config.conditions import ORDERED, Clause, kind, parse_condition
from study.config.document import Mistake
from study.config.kinds import MODEL_NAME, names, of_name
from study.config.leaves import FIXED, branches, leaves
from study.config.nearest import hint
from study.config.parameters import CategoricalParameter, FloatParameter, Parameter
from study.config.scope import conditions, for_model
from study.config.wording import rule_of, shown

_PARAMETER: TypeAdapter[Parameter] = TypeAdapter(Parameter)


def read_space(values: Any) -> dict[str, Parameter]:
    """The parameters that are right by themselves, in the order of the file."""
    space = values.get("space") if isinstance(values, dict) else None
    found = {}
    for name, parameter in (space if isinstance(space, dict) else {}).items():
        try:
            found[name] = _PARAMETER.validate_json(json.dumps(parameter), strict=True)
        except ValidationError:
            continue  # told by the records
    return found


def check_space(values: Any) -> Iterator[Mistake]:
    """The mistakes in `space`.

    values: a study as plain values, right or wrong.
    """
    by_model = {model: leaves(of_name(values, model)) for model in names(values)}
    every = {name: leaf for leaves_of in by_model.values() for name, leaf in leaves_of.items()}
    space = read_space(values)
    given = values.get("space") if isinstance(values, dict) else None
    declared = list(given) if isinstance(given, dict) else []
    for name in declared:
        if name not in every:
            yield Mistake(("space", name), _no_leaf(name, every))
        elif name in space:
            models = [model for model in by_model if for_model(space[name], space, model)]
            if without := [model for model in models if name not in by_model[model]]:
                having = [model for model in by_model if name in by_model[model]]
                yield Mistake(("space", name), _of_some_models(name, without, having))
            accepting = [by_model[model][name] for model in models if name in by_model[model]]
            yield from _misfits(name, space[name], accepting)
    for name, parameter in space.items():
        above = declared[: declared.index(name)]
        rule = _condition_rule(parameter, {key: space.get(key) for key in above}, declared, space)
        if rule:
            yield Mistake(("space", name, "when"), rule)


def _no_leaf(name: str, names: Mapping[str, Any]) -> str:
    if name in FIXED:
        return "is the same for all trials and cannot be searched"
    if name in branches():
        inside = [leaf for leaf in names if leaf.startswith(f"{name}.")]
        return f"holds several values: name one of them{hint(name, inside)}"
    return f"no such value under model or training{hint(name, names)}"


def _of_some_models(name: str, without: list[str], having: list[str]) -> str:
    """The rule that a parameter of some kinds of model says which."""
    which = f"== {having[0]}" if len(having) == 1 else f"in [{', '.join(having)}]"
    field = name.partition(".")[2]
    lacking = " and ".join(without)
    have = "has" if len(without) == 1 else "have"
    return f"{lacking} {have} no {field}: add `when: {MODEL_NAME} {which}`"


def _misfits(name: str, parameter: Parameter, accepting: list[Any]) -> Iterator[Mistake]:
    """The values of the range that a leaf refuses; of a range, each rule once.

    accepting: what the place accepts, in each kind of model that has it.
    """
    adapters: list[TypeAdapter[Any]] = [TypeAdapter(leaf) for leaf in accepting]
    rules = set()
    for (key, value), accepts in product(parameter.probes(), adapters):
        try:
            accepts.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            if isinstance(parameter, FloatParameter) and error.errors()[0]["type"] == "int_type":
                yield Mistake(("space", name, "type"), f"must be int: {name} is a whole number")
                return
            rule = rule_of(error)
            unlike = rule.partition(", got ")[0] if key[0] != "choices" else rule
            if unlike not in rules:
                yield Mistake(("space", name, *key), rule)
            rules.add(unlike)


def _condition_rule(
    parameter: Parameter,
    above: Mapping[str, Parameter | None],
    declared: list[str],
    space: Mapping[str, Parameter],
) -> str | None:
    """The first rule that the parameter's condition breaks.

    above: the parameters it may look at; None for those with mistakes of their own.
    """
    if parameter.when is None:
        return None
    clauses = parse_condition(parameter.when)
    for clause in clauses:
        if clause.name not in above:
            late = clause.name in declared
            why = "must be declared above" if late else "is not a parameter of the space"
            return f"{clause.name} {why}{'' if late else hint(clause.name, above)}"
        other = above[clause.name]
        if other is None:
            return None
        if rule := _clause_rule(clause, other):
            return rule
    return _conflict(conditions(parameter, space), space)


def _clause_rule(clause: Clause, other: Parameter) -> str | None:
    kinds = {kind(value) for value in other.examples(())}
    if clause.operator in ORDERED:
        wrong = {*kinds, *map(kind, clause.values)} - {"number"}
        if wrong:
            return f"only numbers can be compared with {clause.operator}, got {clause}"
        return None
    for value in clause.values:
        if not other.contains(value):
            choices = other.choices if isinstance(other, CategoricalParameter) else ()
            near = hint(str(value), [choice for choice in choices if isinstance(choice, str)])
            return f"{clause.name} is never {shown(value)}, it is {other}{near}"
    return None


def _conflict(clauses: list[Clause], space: Mapping[str, Parameter]) -> str | None:
    """Why the clauses cannot hold together; those on different parameters never conflict."""
    for name in dict.fromkeys(clause.name for clause in clauses):
        same = [clause for clause in clauses if clause.name == name]
        if name not in space:
            continue
        values = [value for clause in same for value in clause.values]
        numbers = [value for value in values if isinstance(value, int | float)]
        examples = space[name].examples(numbers)
        if not any(all(clause.holds(value) for clause in same) for value in examples):
            together = " and ".join(dict.fromkeys(map(str, same)))
            return f"can never hold: {together}, but {name} is {space[name]}"
    return None
