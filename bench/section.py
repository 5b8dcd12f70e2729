"""What one part of the suite measured, as a record: a table for people, all rounds for programs.

Knows nothing of how anything is measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Values = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table of bench/results.md."""

    title: str
    about: str
    """What was measured, on what and how: a paragraph of Markdown."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...] = ()
    """What was left out, and why."""
    rounds: dict[str, Values] = field(default_factory=dict)
    """Every measured value by what it is of, in the order it was measured."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Section:
        """The other way round."""
        return cls(
            title=plain["title"],
            about=plain["about"],
            header=tuple(plain["header"]),
            rows=tuple(tuple(row) for row in plain["rows"]),
            remarks=tuple(plain["remarks"]),
            rounds={name: tuple(values) for name, values in plain["rounds"].items()},
        )

    def markdown(self) -> str:
        """Under a heading of the second level."""
        table = [self.header, ("---",) * len(self.header), *self.rows]
        lines = [f"## {self.title}", "", self.about, ""]
        lines += [f"| {' | '.join(row)} |" for row in table]
        lines += [line for remark in self.remarks for line in ("", remark)]
        return "\n".join(lines) + "\n"


def spread(values: Sequence[float], form: str = ",.0f") -> str:
    """Median, and in parentheses the lowest and highest value."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def ratios(values: Sequence[float], baseline: Sequence[float]) -> Values:
    """Of each round: what else the machine did then met both."""
    return tuple(value / base for value, base in zip(values, baseline, strict=True))
