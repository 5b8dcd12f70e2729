"""The verbs that start and stop things.

What each does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from coordinator.verbs.arguments import Data, File, Name, Overrides, at_least_one, console
from study.errors import UsageError


def submit(
    study: File,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option("--workers", "-n", help="workers to run")] = 1,
    backend: Annotated[str, typer.Option(help="where they run")] = "local",
    data: Data = None,
) -> None:
    """Run a study to a promoted model.

    Ctrl-C stops it so that `resume` can go on.
    """
    from coordinator import submit as verb
    from coordinator.site import local_site

    if backend != "local":
        raise UsageError(f"--backend must be local in this release, got {backend!r}")
    status = verb.submit(
        local_site(),
        study,
        workers=at_least_one("--workers", workers),
        overrides=[*(overrides or ()), *verb.data_override(data)],
        console=console,
    )
    raise typer.Exit(status)


def resume(
    study: Name,
    overrides: Overrides = None,
    workers: Annotated[int | None, typer.Option("--workers", "-n", help="workers to run")] = None,
    data: Data = None,
) -> None:
    """Go on with a study.

    `search.budget.trials=60` gives it more to do.
    """
    from coordinator import submit as verb
    from coordinator.site import local_site

    status = verb.resume(
        local_site(),
        study,
        workers=None if workers is None else at_least_one("--workers", workers),
        overrides=[*(overrides or ()), *verb.data_override(data)],
        console=console,
    )
    raise typer.Exit(status)


def prepare(study: File, overrides: Overrides = None, data: Data = None) -> None:
    """Check a study and pack its pictures, without running it."""
    from coordinator.preparation import prepare as pack
    from coordinator.site import local_site
    from coordinator.submit import data_override
    from study.config.load import find_study, load_study

    changes = [*(overrides or ()), *data_override(data)]
    file = find_study(study)
    load_study(file, changes)
    pack(local_site().program, file, changes, console)


def scale(study: Name, workers: Annotated[int, typer.Argument(metavar="N")]) -> None:
    """Change the number of workers of a running study."""
    from coordinator.storage import storage

    with storage() as (registry, _):
        registry.scale(study, at_least_one("N", workers))
    console.print(f"study {study}: {workers} workers wanted; who runs it will see to that")


def stop(study: Name) -> None:
    """Let the workers of a study checkpoint and leave.

    `resume` goes on.
    """
    from coordinator.site import local_site
    from coordinator.stop import stop as verb
    from coordinator.storage import storage

    with storage() as (registry, _):
        found = registry.find(study)
        verb(registry, found, local_site().backend(registry, found), console)


def shutdown() -> None:
    """Stop every study and the embedded database."""
    from coordinator.site import local_site
    from coordinator.status import is_done
    from coordinator.stop import shut_down
    from coordinator.stop import stop as verb
    from coordinator.storage import storage

    with storage() as (registry, server):
        for found in map(registry.find, registry.names()):
            if not is_done(registry, found):
                verb(registry, found, local_site().backend(registry, found), console)
        shut_down(registry, server)
