"""What a verb shows: a progress bar and remarks on standard error, results on standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

WIDE = 10_000  # letters of a line in a file or a pipe


@contextmanager
def bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar, where standard error is a terminal; gives what to call with each number of
    things that are done. total: None where it is not known yet."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.advance(task, done)


def show(result: RenderableType) -> None:
    """A result. Where no terminal folds it, a row of a table is a line: for grep and head."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(result, soft_wrap=True)


def say(remark: str) -> None:
    """A remark beside the result."""
    Console(stderr=True, markup=False, highlight=False).print(remark, soft_wrap=True)
