"""The single values of a configuration that a search may fill in, and what each accepts.

Knows the sections `model` and `training`; everything else is the same for all trials of a study.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from study.config.kinds import MODEL_NAME, model_record
from study.config.models import TAGS, ModelName
from study.config.record import default
from study.config.training import TrainingConfig

SECTIONS = ("model", "training")

# Trials are compared, so they start alike; and how quick a step is, is no property of a trial.
FIXED = {"training.seed", "training.compile"}


def sections(values: Any) -> dict[str, type[BaseModel]]:
    """The record of each section that can be searched.

    values: a study as plain values, right or wrong; its model.name says which record `model` is.
    """
    model = values.get("model", {}) if isinstance(values, dict) else {}
    return {"model": model_record(model), "training": TrainingConfig}


def leaves(values: Any) -> dict[str, Any]:
    """The type (with its constraints) of each value that can be searched, by dotted path.

    values: a study as plain values, right or wrong; how many elements a list has is taken from it,
    or from the default where it says nothing.
    """
    given = values if isinstance(values, dict) else {}
    found = {
        path: leaf
        for name, record in sections(values).items()
        for path, leaf in _leaves(record, given.get(name), name)
        if path not in FIXED
    }
    return {**found, MODEL_NAME: ModelName}  # of a trial, not only of the record that is there


def branches() -> set[str]:
    """The dotted paths of mappings and lists, which are searched by what is in them."""
    return set(SECTIONS) | {
        *_branches(TrainingConfig, "training"),
        *(path for record in TAGS.values() for path in _branches(record, "model")),
    }


def _leaves(record: type[BaseModel], given: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    given = given if isinstance(given, dict) else {}
    for name, hint in _hints(record).items():
        path, otherwise = f"{prefix}.{name}", default(record, name)
        value = given.get(name, otherwise)
        if isinstance(otherwise, BaseModel):
            yield from _leaves(type(otherwise), value, path)
        elif (items := _items(hint)) is not None:
            length = len(value) if isinstance(value, list | tuple) else 0
            for index in range(length):
                item = items[min(index, len(items) - 1)]
                if inner := record_in(item):  # a list of mappings
                    yield from _leaves(inner, value[index], f"{path}.{index}")
                else:
                    yield f"{path}.{index}", item
        elif get_origin(hint) is dict:
            for key in value if isinstance(value, dict) else ():
                yield f"{path}.{key}", get_args(hint)[1]
        elif inner := record_in(hint):  # a mapping that may be left out, and then has no values
            if isinstance(value, dict):
                yield from _leaves(inner, value, path)
        else:
            yield path, hint


def record_in(hint: Any) -> type[BaseModel] | None:
    """The record that a type is, or is where it is not None, or whose tuple it is."""
    for member in (hint, *get_args(hint)):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def _branches(record: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, hint in _hints(record).items():
        path = f"{prefix}.{name}"
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            yield path
            yield from _branches(hint, path)
        elif _items(hint) is not None or get_origin(hint) is dict:
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
        if get_origin(member) is tuple:  # Range | None, or a tuple with constraints
            return _items(member)
    return None
