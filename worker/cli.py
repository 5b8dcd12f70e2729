"""`hpo-worker`: trains a study's trials, packs its data set, measures its best ones again; and
does what a person wants of a promoted model (inspection/verbs.py).

Reads which study, database, data and artifacts from the environment (see environment.py); how to
train comes from the database, so every worker of a study does the same. Imports torch only where
the supervisor does not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study import mirror, paths
from study.config.load import load_study
from study.errors import UsageError
from study.log import set_up_logging
from study.probes import served
from study.told import called, told
from worker import environment
from worker.environment import PLACES
from worker.health import Health
from worker.inspection.data import inspect
from worker.inspection.verbs import VERBS
from worker.opening import open_study
from worker.result import check_result_file, say, say_result
from worker.tracking.choice import check_trackers

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
    from worker.place import Place
    from worker.shift import work

    place = Place(
        worker=environment.worker_name(),
        data=paths.data(),
        artifacts=paths.artifacts(environment.study_name()),
        device=environment.device(),
        mirror=mirror.of_artifacts(),
    )
    patience, port = environment.data_patience(), environment.health_port()
    health = Health(place.worker, environment.study_name())
    with served(health, port):
        registry, study = open_study(health.turned)
        try:
            status = work(registry, study, place, health, patience)
        finally:
            registry.close()
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
    from worker.models.check import check_models

    check_result_file()
    study = load_study(config, overrides or ())
    check_models(study)
    check_trackers(study)
    mirror.fetch_source(Path(study.data.source))
    store = pack(
        study.data,
        paths.data(),
        processes=environment.threads(),
        progress=lambda done, total: say({"done": done, "total": total}),
        mirror=mirror.of_data(),
    )
    say_result({"store": store.name})


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
    from worker.data.transfer import obtain

    check_result_file()
    numbers = _numbers(trials)
    registry, study = open_study()
    obtain(mirror.of_data(), paths.data().store(study.store), 0.0, lambda: None)
    result = measure_candidates(
        registry,
        study,
        numbers,
        artifacts=paths.artifacts(study.name),
        data=paths.data(),
        output=output,
        device=environment.device(),
        threads=environment.threads(),
        mirror=mirror.of_artifacts(),
    )
    registry.close()
    say_result({**result})


@app.command()
def rehearse(
    config: Annotated[Path, typer.Argument(help="the study's YAML file")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key=value ...")] = None,
) -> None:
    """Measures what a trial costs on this device.

    Trains the one in the middle of the space for about ten seconds, on made-up pictures: needs
    neither database nor data. Prints the result as a line of JSON.
    """
    from worker.models.check import check_models
    from worker.rehearse import rehearse as measured

    check_result_file()
    study = load_study(config, overrides or ())
    check_models(study)
    check_trackers(study)
    say_result({**measured(study, device=environment.device(), threads=environment.threads())})


for verb in (inspect, *VERBS):
    app.command()(verb)


def main() -> None:
    """Runs a verb; every expected error is one line on standard error."""
    program = called("hpo-worker")
    with told(program.split()[0]):
        set_up_logging()
        app(prog_name=program)


def _numbers(trials: str) -> list[int]:
    given = trials.split(",")
    if not all(number.isdecimal() for number in given):
        raise UsageError(f"--trials must be numbers separated by commas, got {trials!r}")
    return [int(number) for number in given]
