"""The kinds of single values that the records are made of, with what each must satisfy.

Knows nothing of where in a configuration they stand.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

MOST_SLOTS = 64  # trials at once on one device


class Misfit(ValueError):  # noqa: N818 - one value does not fit the others beside it
    """A rule about several fields of a record, told at the line of one of them."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


def _study_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", name):
        raise ValueError(
            f"must be 1 to 50 lower-case letters, digits and inner dashes, got {name!r}"
        )
    return name


def _sha256(checksum: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise ValueError(f"must be 64 hexadecimal digits in lower case, got {checksum!r}")
    return checksum


def _expression(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"must be a regular expression, got {pattern!r}: {error}") from error
    if groups == 0:
        raise ValueError(f"must have a group in parentheses, got {pattern!r}")
    return pattern


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise ValueError(f"must be a path, got {text!r}")
    return text


def _odd(side: int) -> int:
    if side % 2 == 0:
        raise ValueError(f"must be odd, so that a block keeps its picture's size, got {side}")
    return side


def _slots(given: Any) -> Any:
    if given == "auto" or (type(given) is int and 1 <= given <= MOST_SLOTS):
        return given
    raise ValueError(f"must be auto or a whole number from 1 to {MOST_SLOTS}, got {given!r}")


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""What a generator takes."""
Positive = Annotated[float, Field(gt=0.0)]
Range = tuple[Positive, Positive]
"""Lowest and highest value."""
StudyName = Annotated[str, AfterValidator(_study_name)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Expression = Annotated[str, AfterValidator(_expression)]
"""A regular expression with a group."""
PathText = Annotated[str, AfterValidator(_path)]
Slots = Annotated[int | Literal["auto"], BeforeValidator(_slots)]
OddSide = Annotated[int, Field(ge=1, le=11), AfterValidator(_odd)]
"""Side of a convolution kernel, pixels."""
