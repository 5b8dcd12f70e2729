"""Whether two configurations are the same study: what decides results, and what only costs.

Knows nothing of where configurations are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from study.config.records import StudyConfig
from study.config.wording import shown


def identity(config: StudyConfig) -> str:
    """sha256, in hex, of what decides results: all but the budget, the resources, the tracking and
    data.source.

    A study can go on with more budget, other machines, or its pictures moved; with anything else
    changed its trials could not be compared. The order of keys does not matter.
    """
    return hashlib.sha256(_canonical(_deciding(config)).encode()).hexdigest()


def differences(there: StudyConfig, here: StudyConfig) -> list[str]:
    """What sets two identities apart, a line each: `training.epochs: 5 there, 8 here`.

    Empty exactly when the identities are the same.
    """
    return list(_differences("", _deciding(there), _deciding(here)))


def _deciding(config: StudyConfig) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json", exclude={"resources", "tracking"})
    del values["search"]["budget"]
    del values["data"]["source"]
    return values


def _canonical(values: Any) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _differences(path: str, there: Any, here: Any) -> Iterator[str]:
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        there, here = dict(enumerate(there)), dict(enumerate(here))
    if not (isinstance(there, dict) and isinstance(here, dict)):
        if _canonical(there) != _canonical(here):  # by text, for which 1, 1.0 and true differ
            yield f"{path}: {shown(there)} there, {shown(here)} here"
        return
    for key in [*there, *(key for key in here if key not in there)]:
        inner = f"{path}.{key}" if path else key
        if key not in here:
            yield f"{inner}: {shown(there[key])} there, nothing here"
        elif key not in there:
            yield f"{inner}: nothing there, {shown(here[key])} here"
        else:
            yield from _differences(inner, there[key], here[key])
