"""Pydantic's errors in words for the person who wrote the file: the rule, the value, the way out.

Knows the records' shape, but not where their values came from (see load.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from study.config.constraints import Misfit
from study.config.document import KeyPath, Mistake
from study.config.leaves import record_in
from study.config.models import TAGS
from study.config.nearest import hint
from study.config.parameters import KINDS
from study.config.records import StudyConfig

# By pydantic's error type: https://docs.pydantic.dev/latest/errors/validation_errors/
_RULES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "finite_number": "must be finite",
    "float_type": "must be a number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_type": "must be a whole number",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "model_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "too_long": "must list at most {max_length} values",
    "too_short": "must list at least {min_length} values",
    "tuple_type": "must be a list",
    "union_tag_not_found": "must have a type: float, int or categorical",
}
_ONE_OF_SCALARS = {"bool_type", "int_type", "float_type", "string_type"}
"""The alternatives of a value that may be of any kind; pydantic reports each of them."""


def explain(error: ValidationError, values: Any) -> list[Mistake]:
    """One mistake for each value that breaks a rule.

    values: what was validated against StudyConfig, as plain values.
    """
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        by_path.setdefault(_path(details, values), []).append(details)
    return [
        Mistake(path, rule) for path, group in by_path.items() for rule in _rules_of(path, group)
    ]


def rule_of(error: ValidationError) -> str:
    """The first rule a single value breaks."""
    details = error.errors(include_url=False)
    return _rules_of((), details[:1])[0]


def dotted(path: KeyPath) -> str:
    """`space.model.n_layers.low`."""
    return ".".join(map(str, path))


def shown(value: Any) -> str:
    """A value as it would be written, cut to 60 letters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _path(details: ErrorDetails, values: Any) -> KeyPath:
    """Pydantic's location without the names of the union members it went through."""
    path: list[str | int] = []
    location = details["loc"]
    for position, key in enumerate(location):
        if _holds(values, key):
            values = values[key]
        elif details["type"] != "missing" or position != len(location) - 1:
            continue
        path.append(key)
    if details["type"] == "union_tag_invalid":
        path.append("type")
    elif isinstance(misfit := details.get("ctx", {}).get("error"), Misfit):
        path.extend(misfit.field.split("."))
    return tuple(path)


def _holds(values: Any, key: str | int) -> bool:
    if isinstance(values, list):
        return isinstance(key, int) and key < len(values)
    return isinstance(values, dict) and key in values


def _rules_of(path: KeyPath, group: Sequence[ErrorDetails]) -> list[str]:
    if len(group) > 1:
        telling = [one for one in group if one["type"] not in _ONE_OF_SCALARS]
        if not telling:
            given = shown(group[0]["input"])
            return [f"must be text, a number, true, false or null, got {given}"]
        group = telling
    return [_rule(path, details) for details in group]


def _rule(path: KeyPath, details: ErrorDetails) -> str:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return f"unknown key{hint(str(path[-1]), _names_beside(details['loc']))}"
    if kind == "value_error":
        problem = context["error"]
        return problem.rule if isinstance(problem, Misfit) else str(problem)
    if kind == "union_tag_invalid":
        tag = context["tag"]
        return f"unknown type, got {shown(tag)}{hint(str(tag), KINDS)}"
    if kind == "literal_error":
        valid = re.findall(r"'([^']*)'|(\d+)", context["expected"])
        return f"unknown value, got {shown(given)}{hint(str(given), map(''.join, valid))}"
    rule = _RULES[kind].format(**context) if kind in _RULES else details["msg"].lower()
    return f"{rule}, got {shown(given)}"


def _names_beside(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the mapping with the unknown key at `location` can have."""
    if location[0] == "space":
        return list(KINDS[str(location[2])].model_fields)
    record: type[BaseModel] = StudyConfig
    for key in location[:-1]:
        if key in TAGS:  # of the union of models, which is no record itself
            record = TAGS[str(key)]
            continue
        if isinstance(key, int):  # of a list of mappings
            continue
        record = record_in(record.model_fields[key].annotation) or record
    return list(record.model_fields)
