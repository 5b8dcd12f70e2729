"""Answers for picture files: a table for a person, or a list in submission form.

Knows nothing of how files are found (given.py) and fed (squares.py).
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from study import atomic
from study.errors import one_line
from worker.inspection.answer import TOP, Answer

SUBMISSION = ("filename", "label")
"""Columns of a list, as competitions take it."""
UNLIKE = "unlike the training data"


class Shares:
    """Classes with their probabilities in a cell of a table, which is folded between two alone."""

    def __init__(self, top: Sequence[tuple[str, float]]) -> None:
        self._parts = [f"{name} {percent(share)}" for name, share in top]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich asks for it."""
        lines = [""]
        for part in self._parts:
            longer = f"{lines[-1]}, {part}" if lines[-1] else part
            if lines[-1] and cell_len(longer) >= options.max_width:  # a comma may follow
                lines[-1] += ","
                lines.append(part)
            else:
                lines[-1] = longer
        yield Text("\n".join(lines), overflow="fold")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Letters of the longest class, and of all in one line."""
        widths = [cell_len(part) for part in self._parts] or [0]
        return Measurement(max(widths), sum(widths) + 2 * len(widths))


def answer_tables(
    names: Sequence[str], classes: Sequence[str], answers: Iterable[Answer], rows: int | None
) -> Iterator[Table]:
    """A row for each picture: its five likeliest classes, and how sure the model may be. One table
    of all, or tables of so many rows with their columns in the same places: who reads the first
    need not wait for the last picture."""
    longest = max(map(cell_len, classes))
    name = max((cell_len(one_line(name)) for name in names), default=0)
    rest = (min(TOP, len(classes)) - 1) * (longest + len(" 50.0 %, "))
    found, heads = iter(answers), True
    while part := list(itertools.islice(found, rows)):
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=heads)
        table.add_column("picture", overflow="fold", min_width=name if rows else None)
        table.add_column("label", no_wrap=True, min_width=longest if rows else None)
        table.add_column("confidence", justify="right", no_wrap=True, min_width=len("confidence"))
        table.add_column("next", min_width=rest if rows else None)
        table.add_column("entropy", justify="right", no_wrap=True, min_width=len("entropy"))
        table.add_column("")
        for answer in part:
            table.add_row(*_row(names[answer.number], answer))
        yield table
        heads = False


def _row(name: str, answer: Answer) -> tuple[RenderableType, ...]:
    return (
        one_line(name),
        answer.label,
        percent(answer.confidence),
        Shares(answer.top[1:]),
        f"{answer.entropy:.2f}",
        UNLIKE if answer.unlike else "",
    )


def write_submission(target: Path, names: Sequence[str], answers: Iterable[Answer]) -> None:
    """Writes `filename,label`, a line for each picture that could be read. Raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SUBMISSION)
    writer.writerows((names[answer.number], answer.label) for answer in answers)
    atomic.write_text(target, text.getvalue())


def percent(share: float) -> str:
    """Of a number in [0, 1]."""
    return f"{100 * share:.1f} %"


def summary(answers: Sequence[Answer], seconds: float) -> str:
    """How many, how fast, and how many the model should not be trusted with."""
    unlike = sum(answer.unlike for answer in answers)
    rate = len(answers) / max(seconds, 1e-9)
    odd = f", {unlike} {UNLIKE}" if unlike else ""
    pictures = "1 picture" if len(answers) == 1 else f"{len(answers):,} pictures"
    return f"{pictures} in {seconds:.1f} s ({rate:,.0f} a second){odd}"
