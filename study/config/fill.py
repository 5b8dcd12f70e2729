"""One trial's configuration: the study's, with the trial's parameters put in their places.

Knows nothing of how parameters are chosen (see ../sampling.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from study.config.conditions import satisfied
from study.config.kinds import MODEL_NAME, of_name
from study.config.leaves import leaves
from study.config.nearest import hint
from study.config.parameters import Parameter, Scalar
from study.config.records import StudyConfig
from study.config.wording import dotted, explain
from study.errors import Infeasible


def fill(config: StudyConfig, parameters: Mapping[str, Scalar | None]) -> StudyConfig:
    """The configuration with each value at its dotted path.

    A model of another kind than the study's has that kind's defaults, but for what the study says
    of fields that both have.

    Raises Infeasible, naming the rules, where a path is not one a search may fill in or the
    values together break a rule of the records.
    """
    values = config.model_dump(mode="json")
    if MODEL_NAME in parameters:
        values = of_name(values, parameters[MODEL_NAME])
    names = leaves(values)
    for name, value in parameters.items():
        if name not in names:
            raise Infeasible(f"{name}: no such parameter{hint(name, names)}")
        _put(values, name.split("."), value)
    try:
        # From JSON, because strict validation then knows lists from tuples and 1 from true.
        return StudyConfig.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        rules = (f"{dotted(path)}: {rule}" for path, rule in explain(error, values))
        raise Infeasible("; ".join(rules)) from error


def active(parameter: Parameter, chosen: Mapping[str, Scalar | None]) -> bool:
    """Whether the parameter is part of a trial for which `chosen` is already chosen.

    chosen: the active parameters declared above this one; a condition on any other is false.
    """
    return parameter.when is None or satisfied(parameter.when, chosen)


def _put(values: Any, keys: list[str], value: Scalar | None) -> None:
    for key in keys[:-1]:
        values = values[int(key) if isinstance(values, list) else key]
    values[int(keys[-1]) if isinstance(values, list) else keys[-1]] = value
