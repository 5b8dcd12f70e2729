"""`hpo`: one verb for each thing a person does with a study.

Reads the command line and says what went wrong in one line; what a verb does is in the module it
imports, when it is called, so that `hpo --help` is quick. Knows nothing else.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from study import exit_codes
from study.database import is_outage
from study.errors import DatabaseUnreachable, HpoError, UsageError

app = typer.Typer(
    help="Searches the hyper-parameters of image classifiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
console = Console(markup=False, highlight=False)

Name = Annotated[str, typer.Argument(metavar="STUDY", help="name of a study")]
File = Annotated[str, typer.Argument(metavar="STUDY", help="name in configs/, or a YAML file")]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="change a value of the file")
]
Data = Annotated[str | None, typer.Option(help="pictures to use instead of data.source")]


@app.command()
def submit(
    study: File,
    overrides: Overrides = None,
    workers: Annotated[int, typer.Option("--workers", "-n", help="workers to run")] = 1,
    backend: Annotated[str, typer.Option(help="where they run")] = "local",
    data: Data = None,
) -> None:
    """Run a study to a promoted model; Ctrl-C stops it so that `resume` can go on."""
    from coordinator import submit as verb

    if backend != "local":
        raise UsageError(f"--backend must be local in this release, got {backend!r}")
    status = verb.submit(
        study,
        workers=_at_least_one("--workers", workers),
        overrides=[*(overrides or ()), *verb.data_override(data)],
        console=console,
    )
    raise typer.Exit(status)


@app.command()
def resume(
    study: Name,
    overrides: Overrides = None,
    workers: Annotated[int | None, typer.Option("--workers", "-n", help="workers to run")] = None,
    data: Data = None,
) -> None:
    """Go on with a study; `search.budget.trials=60` gives it more to do."""
    from coordinator import submit as verb

    status = verb.resume(
        study,
        workers=None if workers is None else _at_least_one("--workers", workers),
        overrides=[*(overrides or ()), *verb.data_override(data)],
        console=console,
    )
    raise typer.Exit(status)


@app.command()
def prepare(study: File, overrides: Overrides = None, data: Data = None) -> None:
    """Check a study and pack its pictures, without running it."""
    from coordinator.preparation import prepare as pack
    from coordinator.submit import data_override
    from study.config.load import find_study, load_study

    changes = [*(overrides or ()), *data_override(data)]
    file = find_study(study)
    load_study(file, changes)
    pack(file, changes, console)


@app.command()
def status(study: Annotated[str | None, typer.Argument(metavar="STUDY")] = None) -> None:
    """Show how all studies, or one, are getting on."""
    from coordinator.status import show_all, show_one
    from coordinator.storage import storage

    with storage() as (registry, _):
        if study is None:
            show_all(registry, console)
        else:
            show_one(registry, registry.find(study), console)


@app.command()
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


@app.command()
def scale(study: Name, workers: Annotated[int, typer.Argument(metavar="N")]) -> None:
    """Change the number of workers of a running study."""
    from coordinator.storage import storage

    with storage() as (registry, _):
        registry.scale(study, _at_least_one("N", workers))
    console.print(f"study {study}: {workers} workers wanted; its coordinator will see to it")


@app.command()
def stop(study: Name) -> None:
    """Let the workers of a study checkpoint and leave; `resume` goes on."""
    from coordinator.stop import stop as verb
    from coordinator.storage import storage
    from coordinator.submit import local_backend

    with storage() as (registry, _):
        found = registry.find(study)
        verb(registry, found, local_backend(registry, found), console)


@app.command()
def shutdown() -> None:
    """Stop every study and the embedded database."""
    from coordinator.status import is_done
    from coordinator.stop import shut_down
    from coordinator.stop import stop as verb
    from coordinator.storage import storage
    from coordinator.submit import local_backend

    with storage() as (registry, server):
        for found in map(registry.find, registry.names()):
            if not is_done(registry, found):
                verb(registry, found, local_backend(registry, found), console)
        shut_down(registry, server)


@app.command()
def best(study: Name) -> None:
    """Show the best trial of a study."""
    from coordinator.status import show_best
    from coordinator.storage import storage

    with storage() as (registry, _):
        show_best(registry, registry.find(study), console)


@app.command()
def promote(
    study: Name,
    trial: Annotated[int | None, typer.Option(help="this one, instead of the best")] = None,
) -> None:
    """Measure the best trials again and promote the winner."""
    from coordinator.promote import promote as verb
    from coordinator.promoted import describe
    from coordinator.storage import storage
    from study import paths

    with storage() as (registry, _):
        found = registry.find(study)
        version = verb(registry, found, trial=trial, reuse=True)
        place = paths.artifacts(study)
        console.print(describe(place, version, found.config.search.metric), soft_wrap=True)


@app.command()
def rollback(study: Name) -> None:
    """Go back to the version promoted before."""
    from coordinator.promoted import rollback as verb
    from study import paths

    manifest = verb(paths.artifacts(study))
    console.print(f"latest is version {manifest.version} again (trial {manifest.trial})")


@app.command()
def dashboard(
    study: Annotated[str | None, typer.Argument(metavar="STUDY")] = None,
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


@app.command()
def report(study: Name) -> None:
    """Write a study as one HTML page."""
    from coordinator.report import write_report
    from coordinator.storage import storage

    with storage() as (registry, _):
        console.print(str(write_report(registry, registry.find(study))), soft_wrap=True)


def main() -> None:
    """Runs a verb; every expected error is one line on standard error, without a traceback."""
    try:
        app()
    except HpoError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(exit_codes.INTERRUPTED)
    except Exception as error:
        if not is_outage(error):
            raise
        _fail(DatabaseUnreachable(f"the database went away: {error.__cause__ or error}"))


def _fail(error: HpoError) -> None:
    for line in str(error).splitlines():
        print(f"hpo: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(exit_codes.USAGE if isinstance(error, UsageError) else exit_codes.FAILED)


def _at_least_one(name: str, number: int) -> int:
    if number < 1:
        raise UsageError(f"{name} must be at least 1, got {number}; to end a study: hpo stop")
    return number
