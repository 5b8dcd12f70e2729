"""The verbs for promoted models.

Which one is in use is the desk's (../desk.py). What is done with one needs torch, so this process
becomes `hpo-worker`, which has the same verbs with their options, on this machine.
"""

from __future__ import annotations

from typing import Annotated

import typer

from coordinator import worker_program
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


def evaluate(context: typer.Context) -> None:
    """Measure a promoted model on pictures, with figures."""
    worker_program.become(["evaluate", *context.args])


def predict(context: typer.Context) -> None:
    """Classify pictures with a promoted model."""
    worker_program.become(["predict", *context.args])


def export(context: typer.Context) -> None:
    """Write a promoted model as ONNX and torch.export."""
    worker_program.become(["export", *context.args])


def explain(context: typer.Context) -> None:
    """Draw what a promoted model sees in a picture."""
    worker_program.become(["explain", *context.args])


def demo(context: typer.Context) -> None:
    """Serve a page to drop pictures on."""
    worker_program.become(["demo", *context.args])
