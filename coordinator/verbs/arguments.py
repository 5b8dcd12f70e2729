"""Arguments that several verbs take, and where they print. Knows no verb."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from study.errors import UsageError

console = Console(markup=False, highlight=False)

Name = Annotated[str, typer.Argument(metavar="STUDY", help="name of a study")]
MaybeName = Annotated[str | None, typer.Argument(metavar="STUDY", help="name of a study")]
File = Annotated[str, typer.Argument(metavar="STUDY", help="name in configs/, or a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="change a value of the file")
]
Data = Annotated[str | None, typer.Option(help="pictures to use instead of data.source")]


def at_least_one(name: str, number: int) -> int:
    """A number of workers. Raises UsageError for none."""
    if number < 1:
        raise UsageError(f"{name} must be at least 1, got {number}; to end a study: make stop")
    return number
