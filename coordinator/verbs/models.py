"""The verbs for promoted models. What they do is the desk's (../desk.py)."""

from __future__ import annotations

from typing import Annotated

import typer

from coordinator.verbs.arguments import DEFAULT_PLACE, Name, Place, desk


def promote(
    study: Name,
    trial: Annotated[int | None, typer.Option(help="this one, instead of the best")] = None,
    backend: Place = DEFAULT_PLACE,
) -> None:
    """Measure the best trials again and promote the winner."""
    desk(backend).promote(study, trial=trial)


def rollback(study: Name, backend: Place = DEFAULT_PLACE) -> None:
    """Go back to the version promoted before."""
    desk(backend).rollback(study)
