"""The single values of a configuration that a search may fill in, and what each accepts.

Knows the sections `model` and `training`; everything else is the same for all trials of a study.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from study.config.models import ModelConfig
from study.config.training import TrainingConfig

SECTIONS: dict[str, type[BaseModel]] = {"model": ModelConfig, "training": TrainingConfig}

FIXED = {"training.seed"}  # trials are compared, so they start alike


def leaves(values: Any) -> dict[str, Any]:
    """The type (with its constraints) of each value that can be searched, by dotted path.

    values: a study as plain values, right or wrong; how many elements a list has is taken from it,
    or from the default where it says nothing.
    """
    sections = values if isinstance(values, dict) else {}
    return {
        path: leaf
        for name, record in SECTIONS.items()
        for path, leaf in _leaves(record, record(), sections.get(name), name)
        if path not in FIXED
    }


def branches() -> set[str]:
    """The dotted paths of mappings and lists, which are searched by what is in them."""
    return set(SECTIONS) | {
        path for name, record in SECTIONS.items() for path in _branches(record, name)
    }


def _leaves(
    record: type[BaseModel], defaults: BaseModel, given: Any, prefix: str
) -> Iterator[tuple[str, Any]]:
    given = given if isinstance(given, dict) else {}
    for name, hint in _hints(record).items():
        path, default = f"{prefix}.{name}", getattr(defaults, name)
        value = given.get(name, default)
        if isinstance(default, BaseModel):
            yield from _leaves(type(default), default, value, path)
        elif (items := _items(hint)) is not None:
            length = len(value) if isinstance(value, list | tuple) else 0
            for index in range(length):
                yield f"{path}.{index}", items[min(index, len(items) - 1)]
        else:
            yield path, hint


def _branches(record: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, hint in _hints(record).items():
        path = f"{prefix}.{name}"
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            yield path
            yield from _branches(hint, path)
        elif _items(hint) is not None:
            yield path


@cache
def _hints(record: type[BaseModel]) -> dict[str, Any]:
    """The fields' types with their constraints, which `model_fields` takes apart."""
    hints = get_type_hints(record, include_extras=True)
    return {name: hints[name] for name in record.model_fields}


def _items(hint: Any) -> tuple[Any, ...] | None:
    """The types of a tuple's elements, the last one repeated; None for anything else."""
    if get_origin(hint) is tuple:
        return tuple(item for item in get_args(hint) if item is not Ellipsis)
    for member in get_args(hint):
        if get_origin(member) is tuple:  # Range | None
            return _items(member)
    return None
