"""The verbs for a study's pictures.

Decoding and comparing them is the worker's, so this process becomes `hpo-worker`, which has the
same verbs with their options, on this machine.
"""

from __future__ import annotations

import typer

from coordinator import worker_program


def inspect(context: typer.Context) -> None:
    """Show class counts, sizes, formats, duplicates and broken files of a study's pictures."""
    worker_program.become(["inspect", *context.args], called="hpo data")
