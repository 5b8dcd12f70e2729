"""`hpo-worker`: trains a study's trials, packs its data set, measures its best ones again.

Reads which study, database, data and artifacts from the environment (see PLACES below); how to
train comes from the database, so every worker of a study does the same. Imports torch only for
`measure`.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from study import exit_codes, paths
from study.config.load import load_study
from study.database import is_outage
from study.errors import UsageError
from study.registry import RegisteredStudy, Registry, open_registry
from study.told import reason, told
from worker.log import set_up_logging

PLACES = """
HPO_STORAGE_FILE or HPO_STORAGE: postgresql:// URL, in a file or given (default: embedded)

HPO_STUDY: name of the study

HPO_DATA: where packed data sets are (default .hpo/data)

HPO_ARTIFACTS: where checkpoints go (default artifacts)

HPO_WORKER: this worker's name (default: made up)

HPO_DEVICE: as torch.device takes it (default auto: a GPU where there is one)

HPO_THREADS: CPU threads of a trial (default: all cores)

HPO_LOG: least level that is logged (default INFO)
"""

CONNECT_PATIENCE = 15.0  # seconds for a database that is away when a worker starts
CONNECT_PAUSE = 0.5  # seconds between two tries

log = logging.getLogger(__name__)

app = typer.Typer(
    help=f"Trains trials of a study.\n\nThe environment says which and where:\n{PLACES}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def run() -> None:
    """Trains trials until the budget is spent.

    Exit status 0 then, 143 when told to leave, 2 for a wrong configuration, data set or database,
    3 for a broken device.
    """
    from worker.supervisor import Place, Supervisor

    registry, study = _open_study()
    place = Place(
        worker=os.environ.get("HPO_WORKER") or _made_up_name(),
        data=paths.data(),
        artifacts=paths.artifacts(study.name),
        device=os.environ.get("HPO_DEVICE", "auto"),
        threads=_threads(),
    )
    try:
        supervisor = Supervisor(registry, study, place)
        status = supervisor.run()
        for number in (signal.SIGTERM, signal.SIGINT):
            # the interpreter gives them back to the kernel on its way out: a worker told to leave
            # while it leaves would die of it and hide its exit status
            signal.signal(number, signal.SIG_IGN)
    finally:
        registry.close()
    if status == exit_codes.USAGE:
        raise UsageError(supervisor.reason)
    raise typer.Exit(status)


@app.command()
def prepare(
    config: Annotated[Path, typer.Argument(help="the study's YAML file")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value ...")] = None,
) -> None:
    """Packs a study's data set, once.

    Prints progress and the result as lines of JSON.
    """
    from worker.data.prepare import prepare as pack

    study = load_study(config, overrides or ())
    store = pack(
        study.data,
        paths.data(),
        processes=_threads(),
        progress=lambda done, total: _say({"done": done, "total": total}),
    )
    _say({"store": store.name})


@app.command()
def measure(
    trials: Annotated[str, typer.Option(help="trial numbers, separated by commas")],
    output: Annotated[Path, typer.Option(help="folder for the winner's weights and metrics")],
) -> None:
    """Measures a study's best trials again.

    All of them on the validation split and the winner once on the test split; prints the result as
    a line of JSON.
    """
    from worker.candidates import measure_candidates

    numbers = _numbers(trials)
    registry, study = _open_study()
    result = measure_candidates(
        registry,
        study,
        numbers,
        artifacts=paths.artifacts(study.name),
        data=paths.data(),
        output=output,
        device=os.environ.get("HPO_DEVICE", "auto"),
        threads=_threads(),
    )
    registry.close()
    _say(result)


def main() -> None:
    """Runs a verb; every expected error is one line on standard error."""
    with told("hpo-worker"):
        set_up_logging()
        app(standalone_mode=True)


def _open_study() -> tuple[Registry, RegisteredStudy]:
    """The database and the study in it. A database that is away for a moment is waited for: a
    worker that starts then is as good as any. Raises UsageError."""
    name = _study_name()
    deadline = time.monotonic() + CONNECT_PATIENCE
    registry, tries = None, 0
    while True:
        try:
            registry = registry or open_registry()[0]
            return registry, registry.find(name)
        except Exception as error:
            if not is_outage(error) or time.monotonic() > deadline:
                raise
            tries += 1
            if tries == 1:
                log.warning("waiting up to %.0f s: %s", CONNECT_PATIENCE, reason(error))
            time.sleep(CONNECT_PAUSE)


def _study_name() -> str:
    name = os.environ.get("HPO_STUDY", "")
    if not name:
        raise UsageError("HPO_STUDY must name the study to train")
    return name


def _numbers(trials: str) -> list[int]:
    given = trials.split(",")
    if not all(number.isdecimal() for number in given):
        raise UsageError(f"--trials must be numbers separated by commas, got {trials!r}")
    return [int(number) for number in given]


def _threads() -> int:
    given = os.environ.get("HPO_THREADS", "")
    if not given:
        return len(os.sched_getaffinity(0))
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"HPO_THREADS must be a whole number above 0, got {given!r}")
    return int(given)


def _made_up_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def _say(content: object) -> None:
    print(json.dumps(content), flush=True)  # noqa: T201
