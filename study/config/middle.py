"""The trial in the middle of a search space: what one costs before any has run.

The rule, parameter by parameter in the order of the space, conditions respected:

    number in a range       halfway between its ends, on a logarithmic scale where it has one
    number in steps         the step at or below that
    one of a list           the middle of the list, the later one of two

Knows nothing of what a trial costs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from study.config.fill import active
from study.config.parameters import CategoricalParameter, Parameter, Scalar


def middle(space: Mapping[str, Parameter]) -> dict[str, Scalar | None]:
    """The parameters of that trial, by dotted path."""
    chosen: dict[str, Scalar | None] = {}
    for name, parameter in space.items():
        if active(parameter, chosen):
            chosen[name] = _middle_of(parameter)
    return chosen


def _middle_of(parameter: Parameter) -> Scalar | None:
    if isinstance(parameter, CategoricalParameter):
        return parameter.choices[len(parameter.choices) // 2]
    low, high, step = parameter.low, parameter.high, parameter.step
    halfway = math.sqrt(low * high) if parameter.log else low + (high - low) / 2
    if step is not None:  # in decimal: 0.15 is one step of 0.05 above 0.1
        steps = (Decimal(str(halfway)) - Decimal(str(low))) // Decimal(str(step))
        halfway = float(Decimal(str(low)) + steps * Decimal(str(step)))
    return int(halfway) if parameter.type == "int" else halfway
