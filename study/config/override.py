"""Command-line overrides, `training.batch_size=32`: put into a document before it is validated.

Knows which keys hold dots themselves and which lists have defaults; whether a key or value is
valid is found out where the file's own are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from study.config.document import Document, KeyPath, Mistake, NotYaml, parse
from study.config.leaves import sections
from study.config.nearest import hint
from study.config.record import default

_GRAMMAR = "an override must be written path=value"


def override(document: Document, overrides: Sequence[str]) -> list[Mistake]:
    """Puts each `path=value` into the document, in order; the value is read as YAML.

    Returns the mistakes of those that cannot be put in, under the path that was meant.
    """
    mistakes = []
    for text in overrides:
        name, equals, value_text = text.partition("=")
        keys = name.strip().split(".")
        try:
            if not equals or not all(keys):
                raise ValueError(f"{_GRAMMAR}, got {text!r}")
            value = _value(value_text)
            document.replace(_put(document.values, keys, value))
        except ValueError as error:
            document.replace(tuple(keys))
            mistakes.append(Mistake(tuple(keys), str(error)))
    return mistakes


def _value(text: str) -> Any:
    try:
        document = parse(text)
    except NotYaml as error:
        raise ValueError(f"{error}, got {text!r}") from error
    if document.mistakes:
        raise ValueError(document.mistakes[0].rule)
    return document.values


def _put(values: Any, keys: list[str], value: Any) -> KeyPath:
    """Writes the value, making the mappings and default lists on the way; returns where."""
    path: KeyPath = ()
    study = values
    while True:
        key, keys = _next_key(values, keys, value, path)
        path = (*path, key)
        if not keys:
            values[key] = value
            return path
        if not isinstance(values, list) and values.get(key) is None:
            values[key] = _default(path, study)
        values = values[key]


def _next_key(values: Any, keys: list[str], value: Any, path: KeyPath) -> tuple[Any, list[str]]:
    """The key or index to go to, and the keys that are left then."""
    here = ".".join(map(str, path)) or "the study"
    if isinstance(values, list):
        if keys[0].isdecimal() and int(keys[0]) < len(values):
            return int(keys[0]), keys[1:]
        held = f"the elements 0 to {len(values) - 1}" if values else "nothing in it yet"
        raise ValueError(f"{here} is a list with {held}, got {keys[0]}")
    if not isinstance(values, dict):
        raise ValueError(f"{here} is a single value and has no {keys[0]}")
    if not _keys_hold_dots(path):
        return keys[0], keys[1:]
    for length in range(len(keys), 0, -1):
        if (name := ".".join(keys[:length])) in values:
            return name, keys[length:]
    name = ".".join(keys)
    if path == ("space",) and not isinstance(value, dict):
        raise ValueError(f"{here} has no such parameter{hint(name, values)}")
    return name, []


def _keys_hold_dots(path: KeyPath) -> bool:
    """Parameters are named by dotted paths, in the space and in each warm start."""
    return path == ("space",) or (path[:2] == ("search", "warm_start") and len(path) == 3)


def _default(path: KeyPath, study: Any) -> Any:
    """What a key that the file leaves out holds: a list's default, else an empty mapping."""
    record = sections(study).get(str(path[0]))
    value: Any = None
    for key in path[1:]:
        value = default(record, str(key)) if record else None
        record = type(value) if isinstance(value, BaseModel) else None
    return list(value) if isinstance(value, tuple) else {}
