"""One searched parameter: its range and the condition under which it exists.

Knows nothing of Optuna (see ../sampling.py) nor of what the parameter means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from study.config.conditions import kind, parse_condition
from study.config.constraints import Misfit
from study.config.document import KeyPath
from study.config.document import Scalar as Scalar

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""Optuna's tables hold every value as a double, which is exact up to here."""


class ParameterRecord(BaseModel):
    """What all kinds share."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    when: str | None = None
    """A condition on parameters declared above this one, for example `model.n_layers >= 2` or
    `training.optimizer == sgd`; several are joined by `and`. Where it is false the configuration's
    own value is used and the parameter is not part of the trial."""

    @field_validator("when")
    @classmethod
    def _readable(cls, when: str | None) -> str | None:
        if when is not None:
            parse_condition(when)
        return when


class FloatParameter(ParameterRecord):
    """A real number in [low, high], optionally on a logarithmic scale or in steps."""

    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _range(self) -> FloatParameter:
        _check_range(self.low, self.high, self.log, self.step)
        return self

    def contains(self, value: Scalar | None) -> bool:
        """Whether a trial can be given `value`."""
        if isinstance(value, bool | str) or value is None or not self.low <= value <= self.high:
            return False
        return self.step is None or _offset(value, self.low, self.step) % 1 == 0

    def probes(self) -> Iterator[tuple[KeyPath, float]]:
        """The values that show whether the range fits, each with the key that gives it."""
        yield ("low",), self.low
        yield ("high",), self.high

    def examples(self, around: Iterable[float]) -> list[Scalar | None]:
        """One value at least of every set that is bounded by `around` and meets the range."""
        if self.step is not None:
            return [float(value) for value in _grid(self.low, self.high, self.step, around)]
        marks = sorted({self.low, self.high, *(v for v in around if self.low <= v <= self.high)})
        return [*marks, *(left / 2 + right / 2 for left, right in pairwise(marks))]

    def __str__(self) -> str:
        steps = "" if self.step is None else f" in steps of {self.step}"
        return f"a number from {self.low} to {self.high}{steps}"


class IntParameter(ParameterRecord):
    """A whole number in [low, high], optionally on a logarithmic scale or in steps."""

    type: Literal["int"]
    low: Whole
    high: Whole
    log: bool = False
    step: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _range(self) -> IntParameter:
        _check_range(self.low, self.high, self.log, None if self.step == 1 else self.step)
        return self

    def contains(self, value: Scalar | None) -> bool:
        """Whether a trial can be given `value`."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def probes(self) -> Iterator[tuple[KeyPath, int]]:
        """The values that show whether the range fits, each with the key that gives it."""
        yield ("low",), self.low
        yield ("high",), self.high
        if self.low + self.step < self.high:  # 3..7 fits where sides must be odd, 4 does not
            yield ("step",), self.low + self.step

    def examples(self, around: Iterable[float]) -> list[Scalar | None]:
        """One value at least of every set that is bounded by `around` and meets the range."""
        return [int(value) for value in _grid(self.low, self.high, self.step, around)]

    def __str__(self) -> str:
        steps = "" if self.step == 1 else f" in steps of {self.step}"
        return f"a whole number from {self.low} to {self.high}{steps}"


class CategoricalParameter(ParameterRecord):
    """One of a list of values, without order."""

    type: Literal["categorical"]
    choices: Annotated[tuple[Scalar | None, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _distinct(self) -> CategoricalParameter:
        # By value alone, because Optuna finds a choice with ==, for which true, 1 and 1.0 are one.
        if len(set(self.choices)) != len(self.choices):
            raise Misfit("choices", f"must differ, got {list(self.choices)}")
        return self

    def contains(self, value: Scalar | None) -> bool:
        """Whether a trial can be given `value`."""
        return any(kind(value) == kind(choice) and value == choice for choice in self.choices)

    def probes(self) -> Iterator[tuple[KeyPath, Scalar | None]]:
        """The values that show whether the choices fit, each with the key that gives it."""
        for index, choice in enumerate(self.choices):
            yield ("choices", index), choice

    def examples(self, around: Iterable[float]) -> list[Scalar | None]:  # noqa: ARG002 - as above
        """Every choice."""
        return list(self.choices)

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.choices))}"


Parameter = Annotated[
    FloatParameter | IntParameter | CategoricalParameter, Field(discriminator="type")
]
KINDS: dict[str, type[ParameterRecord]] = {
    "float": FloatParameter,
    "int": IntParameter,
    "categorical": CategoricalParameter,
}
"""By `type`."""


def _check_range(low: float, high: float, log: bool, step: float | None) -> None:
    """Optuna's own rules, said before anything starts."""
    if low > high:
        raise Misfit("low", f"must not be above high, got low={low}, high={high}")
    if log and low <= 0:
        raise Misfit("low", f"must be above 0 in a logarithmic range, got {low}")
    if step is None:
        return
    if log:
        raise Misfit("step", "does not go with a logarithmic range: leave out log or step")
    steps = _offset(high, low, step)
    if not 1 <= steps <= 2**53:
        rule = "must fit into the range 1 to 2^53 times"
        raise Misfit("step", f"{rule}, got low={low}, high={high}, step={step}")
    if steps % 1 != 0:
        # Optuna would lower `high` with a warning that scrolls away.
        last = max(_grid(low, high, step, [high]))
        got = f"got low={low}, high={high}, step={step}"
        raise Misfit("high", f"must be low plus whole steps, {got}; the last step is at {last}")


def _offset(value: float, low: float, step: float) -> Decimal:
    """Steps from `low` to `value`, in decimal so that 0.3 is three steps of 0.1."""
    return (Decimal(str(value)) - Decimal(str(low))) / Decimal(str(step))


def _grid(low: float, high: float, step: float, around: Iterable[float]) -> set[Decimal]:
    """The values of the stepped range next to `around` and to its ends."""
    last = int(_offset(high, low, step))
    wanted = {0, last}
    for value in around:
        below = int(_offset(value, low, step) // 1)
        wanted.update(min(max(below + near, 0), last) for near in (-1, 0, 1, 2))
    return {Decimal(str(low)) + k * Decimal(str(step)) for k in wanted}
