"""The verbs that only look.

What each does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from coordinator.verbs.arguments import MaybeName, Name, console


def status(study: MaybeName = None) -> None:
    """Show how all studies, or one, are getting on."""
    from coordinator.site import local_site
    from coordinator.status import show_all, show_one
    from coordinator.storage import storage

    with storage() as (registry, _):
        if study is None:
            show_all(registry, console)
        else:
            show_one(local_site(), registry, registry.find(study), console)


def logs(
    study: Name,
    worker: Annotated[int | None, typer.Option(help="of this one only")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
) -> None:
    """Print what a study's workers printed."""
    from coordinator.logs import log_files, show_logs
    from study import paths

    files = log_files(paths.artifacts(study), worker)
    show_logs(files, follow=follow, say=lambda line: console.print(line, soft_wrap=True))


def best(study: Name) -> None:
    """Show the best trial of a study."""
    from coordinator.status import show_best
    from coordinator.storage import storage

    with storage() as (registry, _):
        show_best(registry, registry.find(study), console)


def dashboard(
    study: MaybeName = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8080,
    writable: Annotated[bool, typer.Option("--writable", help="let it change studies")] = False,
) -> None:
    """Serve optuna-dashboard on this machine until Ctrl-C."""
    from coordinator.dashboard import dashboard as verb
    from coordinator.storage import storage

    with storage() as (registry, _):
        study_id = None if study is None else registry.find(study).study_id
        opened = verb(registry.storage, study_id=study_id, port=port, writable=writable)
        with opened as (server, url), suppress(KeyboardInterrupt):
            console.print(f"{url}\nCtrl-C ends it", soft_wrap=True)
            server.serve_forever()


def report(study: Name) -> None:
    """Write a study as one HTML page."""
    from coordinator.report import write_report
    from coordinator.storage import storage

    with storage() as (registry, _):
        console.print(str(write_report(registry, registry.find(study))), soft_wrap=True)
