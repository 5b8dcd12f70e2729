"""Which kinds of model the trials of a study have, and what `model` is for each of them.

A study may search over `model.name`. Works on plain values, right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.config.document import Scalar
from study.config.models import TAGS, tag_of
from study.config.record import Record, default

MODEL_NAME = "model.name"


def model_record(model: Any) -> type[Record]:
    """The record of a section `model`."""
    return TAGS[tag_of(model)]


def names(values: Any) -> list[str]:
    """The values of model.name among the trials: the choices of the space, else the file's own."""
    study = values if isinstance(values, Mapping) else {}
    space = study.get("space")
    parameter = space.get(MODEL_NAME) if isinstance(space, Mapping) else None
    choices = parameter.get("choices") if isinstance(parameter, Mapping) else None
    given = choices if isinstance(choices, list | tuple) else ()
    found = [name for name in given if isinstance(name, str)]
    return found or [own_name(study.get("model"))]


def own_name(model: Any) -> str:
    """The name a section `model` says or leaves to the default."""
    name = model.get("name") if isinstance(model, Mapping) else None
    return name if isinstance(name, str) else tag_of({})


def of_name(values: Any, name: Scalar | None) -> dict[str, Any]:
    """The study with the model `name`: of a field that this kind has as well, what the file says
    is kept unless it is the default of the file's kind; all else has the defaults of this kind."""
    study = dict(values) if isinstance(values, Mapping) else {}
    model = study.get("model")
    given = dict(model) if isinstance(model, Mapping) else {}
    if own_name(given) != name:
        before, now = model_record(given), model_record({"name": name})
        kept = {
            field: value
            for field, value in given.items()
            if before is now
            or (field in now.model_fields and not _is_default(before, field, value))
        }
        study["model"] = {**kept, "name": name}
    return study


def _is_default(record: type[Record], field: str, value: Any) -> bool:
    usual = default(record, field)
    return bool(value == (list(usual) if isinstance(usual, tuple) else usual))
