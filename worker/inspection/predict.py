"""Answers for picture files: a table for a person, or a list in submission form.

Knows nothing of how files are found (given.py) and fed (squares.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table

from study import atomic
from study.errors import one_line
from worker.inspection.answer import Answer

SUBMISSION = ("filename", "label")
"""Columns of a list, as competitions take it."""
UNLIKE = "unlike the training data"


def answer_table(names: Sequence[str], answers: Iterable[Answer]) -> Table:
    """A row for each picture: its five likeliest classes, and how sure the model may be."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("picture", "label", "confidence", "next", "entropy", ""):
        number = column in ("confidence", "entropy")
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for answer in answers:
        table.add_row(
            one_line(names[answer.number]),
            answer.label,
            percent(answer.confidence),
            ", ".join(f"{name} {percent(share)}" for name, share in answer.top[1:]),
            f"{answer.entropy:.2f}",
            UNLIKE if answer.unlike else "",
        )
    return table


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
