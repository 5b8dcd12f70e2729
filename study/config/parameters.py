"""One searched parameter: its range and the condition under which it exists.

Knows nothing of Optuna (see ../sampling.py) nor of what the parameter means.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = bool | int | float | str


class ParameterRecord(BaseModel):
    """What all kinds share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    when: str | None = None
    """A condition on parameters declared above this one, for example `model.n_layers >= 2` or
    `training.optimizer == sgd`; several are joined by `and`. Where it is false the configuration's
    own value is used and the parameter is not part of the trial."""


class FloatParameter(ParameterRecord):
    """A real number in [low, high], optionally on a logarithmic scale or in steps."""

    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _range(self) -> FloatParameter:
        _check_range(self.low, self.high, self.log, self.step is not None)
        return self


class IntParameter(ParameterRecord):
    """A whole number in [low, high], optionally on a logarithmic scale or in steps."""

    type: Literal["int"]
    low: int
    high: int
    log: bool = False
    step: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _range(self) -> IntParameter:
        _check_range(self.low, self.high, self.log, self.step != 1)
        return self


class CategoricalParameter(ParameterRecord):
    """One of a list of values, without order."""

    type: Literal["categorical"]
    choices: Annotated[tuple[Scalar | None, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> CategoricalParameter:
        keys = [(type(choice), choice) for choice in self.choices]
        if len(set(keys)) != len(keys):
            raise ValueError(f"choices must differ, got {list(self.choices)}")
        return self


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]


def _check_range(low: float, high: float, log: bool, stepped: bool) -> None:
    """Optuna's own rules, said before anything starts."""
    if low > high:
        raise ValueError(f"low must be below high, got low={low}, high={high}")
    if log and low <= 0:
        raise ValueError(f"a logarithmic range must be above 0, got low={low}")
    if log and stepped:
        raise ValueError("a logarithmic range cannot have a step: leave out log or step")
