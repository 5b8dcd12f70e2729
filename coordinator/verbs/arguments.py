"""Arguments that several verbs take, and where they print. Knows no verb."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from coordinator.desk import CLUSTER, Desk, open_desk
from study.config.constraints import Sha256, StudyName
from study.config.wording import rule_of
from study.errors import UsageError
from study.hub import is_hub

MOST_WORKERS = 10_000

console = Console(markup=False, highlight=False)


def study_name(given: str) -> str:
    """A name becomes part of paths. Raises UsageError for one that no study can have."""
    if given.endswith((".yaml", ".yml")):  # what submit took
        raise UsageError(f"STUDY is the study's name here (`name` in its file), got {given!r}")
    try:
        return TypeAdapter(StudyName).validate_python(given)
    except ValidationError as error:
        raise UsageError(f"STUDY {rule_of(error)}") from error


def checksum(given: str) -> str:
    """A sha256 becomes a file's name. Raises UsageError for what is none."""
    try:
        return TypeAdapter(Sha256).validate_python(given)
    except ValidationError as error:
        raise UsageError(f"SHA256 {rule_of(error)}") from error


Name = Annotated[str, typer.Argument(metavar="STUDY", help="name of a study", parser=study_name)]
MaybeName = Annotated[
    str | None, typer.Argument(metavar="STUDY", help="name of a study", parser=study_name)
]
File = Annotated[str, typer.Argument(metavar="STUDY", help="name in configs/, or a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="change a value of the file")
]
Data = Annotated[str | None, typer.Option(help="pictures to use instead of data.source")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="go on until its end or Ctrl-C")]
Place = Annotated[
    str,
    typer.Option("--backend", envvar="HPO_BACKEND", help="where workers run"),
]
DEFAULT_PLACE = CLUSTER


def desk(place: str) -> Desk:
    """Where a verb goes. Raises UsageError for an unknown place."""
    return open_desk(place, console)


def changes(overrides: Sequence[str] | None, data: str | None) -> list[str]:
    """The overrides, `--data PATH` among them."""
    if data is None:
        return list(overrides or ())
    place = data if is_hub(data) else str(Path(data).absolute())
    return [*(overrides or ()), f"data.source={json.dumps(place)}"]


def at_least_one(name: str, number: int) -> int:
    """A number of workers. Raises UsageError for none, and for what must be a slip of the hand."""
    if number < 1:
        raise UsageError(f"{name} must be at least 1, got {number}; to end a study: make stop")
    if number > MOST_WORKERS:
        raise UsageError(f"{name} must be at most {MOST_WORKERS:,}, got {number}")
    return number
