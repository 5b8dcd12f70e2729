"""The verbs that only look. What they do is the desk's (../desk.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coordinator.verbs.arguments import DEFAULT_PLACE, Follow, MaybeName, Name, Place, desk
from study.errors import UsageError


def status(study: MaybeName = None, follow: Follow = False, backend: Place = DEFAULT_PLACE) -> None:
    """Show how all studies, or one, are getting on."""
    if follow and study is None:
        raise UsageError("--follow needs a STUDY")
    raise typer.Exit(desk(backend).status(study, follow=follow))


def logs(
    study: Name,
    worker: Annotated[int | None, typer.Option(help="of this one only")] = None,
    follow: Follow = False,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Print what a study's workers printed."""
    desk(backend).logs(study, worker=worker, follow=follow)


def best(
    study: Name,
    write: Annotated[
        Path | None, typer.Option(help="make this file a configuration of it, ready to train")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="write over it")] = False,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Show the best trial of a study, or write it as a configuration."""
    desk(backend).best(study, write=write, force=force)


def dashboard(
    study: MaybeName = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8080,
    writable: Annotated[bool, typer.Option("--writable", help="let it change studies")] = False,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Serve optuna-dashboard on this machine until Ctrl-C."""
    desk(backend).dashboard(study, host=host, port=port, writable=writable)


def report(
    study: Name,
    printed: Annotated[
        bool, typer.Option("--print", help="to standard output instead of its file")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="the file, instead of its own place")
    ] = None,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Write a study as one HTML page."""
    if printed and output is not None:
        raise UsageError(f"--print and --output {output} exclude each other: leave one out")
    desk(backend).report(study, printed=printed, output=output)
