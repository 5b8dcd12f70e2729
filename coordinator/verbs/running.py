"""The verbs that start and stop things. What they do is the desk's (../desk.py)."""

from __future__ import annotations

from typing import Annotated

import typer

from coordinator.verbs.arguments import (
    DEFAULT_PLACE,
    Data,
    File,
    Follow,
    Name,
    Overrides,
    Place,
    at_least_one,
    changes,
    desk,
)


def plan(
    study: File,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option("--workers", "-n", help="workers to run")] = 1,
    data: Data = None,
    measure: Annotated[bool, typer.Option(help="train for a moment to know the time")] = True,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Show what submit would do, and how long it takes.

    Nothing stays of it.
    """
    at_least_one("--workers", workers)
    desk(backend).plan(study, workers=workers, overrides=changes(overrides, data), measure=measure)


def submit(
    study: File,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option("--workers", "-n", help="workers to run")] = 1,
    data: Data = None,
    follow: Follow = False,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Run a study to a promoted model.

    In a cluster it goes on by itself. Elsewhere Ctrl-C stops it so that `resume` can go on.
    """
    at_least_one("--workers", workers)
    status = desk(backend).submit(
        study, workers=workers, overrides=changes(overrides, data), follow=follow
    )
    raise typer.Exit(status)


def resume(
    study: Name,
    overrides: Overrides = None,
    workers: Annotated[int | None, typer.Option("--workers", "-n", help="workers to run")] = None,
    data: Data = None,
    follow: Follow = False,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Go on with a study.

    `search.budget.trials=60` gives it more to do.
    """
    if workers is not None:
        at_least_one("--workers", workers)
    status = desk(backend).resume(
        study, workers=workers, overrides=changes(overrides, data), follow=follow
    )
    raise typer.Exit(status)


def train(
    study: File,
    overrides: Overrides = None,
    trial: Annotated[
        int | None, typer.Option(help="with the parameters of this trial of the study")
    ] = None,
    data: Data = None,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Train once, without a search.

    Its values are those of the file's model and training, or a trial's.
    """
    overridden = changes(overrides, data)
    raise typer.Exit(desk(backend).train(study, trial=trial, overrides=overridden))


def prepare(
    study: File,
    overrides: Overrides = None,
    data: Data = None,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Check a study and pack its pictures, without running it."""
    desk(backend).prepare(study, overrides=changes(overrides, data))


def scale(
    study: Name,
    workers: Annotated[int, typer.Argument(metavar="N")],
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Change the number of workers of a running study."""
    desk(backend).scale(study, at_least_one("N", workers))


def stop(study: Name, backend: Place = DEFAULT_PLACE) -> None:
    """Let the workers of a study checkpoint and leave.

    `resume` goes on.
    """
    desk(backend).stop(study)


def shutdown(backend: Place = DEFAULT_PLACE) -> None:
    """Stop every study and the embedded database."""
    desk(backend).shutdown()
