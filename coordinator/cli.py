"""`hpo`: one verb for each thing a person does with a study.

Says what went wrong in one line; the verbs are in verbs/. Knows nothing of what they do.
"""

from __future__ import annotations

import sys

import typer

from coordinator.interrupt import INTERRUPTS, exit_status, raise_on_sigterm
from coordinator.verbs import cluster, coordinate, data, looking, models, running, services
from study.told import told

VERBS = (
    running.plan,
    running.submit,
    running.resume,
    running.train,
    running.prepare,
    looking.status,
    looking.logs,
    running.scale,
    running.stop,
    running.shutdown,
    looking.best,
    models.promote,
    models.rollback,
    looking.dashboard,
    looking.report,
    cluster.deploy,
    cluster.undeploy,
)

PASSED_ON = (models.evaluate, models.predict, models.explain, models.export, models.demo)
"""Whose arguments and help are another program's."""

DATA = (data.inspect,)
"""Of the same kind, behind `hpo data`."""

HIDDEN = (  # for containers
    coordinate.coordinate,
    services.serve_postgres,
    services.serve_pgbouncer,
    services.backup,
    services.restore,
    services.receive,
)

app = typer.Typer(
    help="Searches the hyper-parameters of image classifiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in VERBS:
    app.command()(verb)
everything = {"allow_extra_args": True, "ignore_unknown_options": True}
for passed_on in PASSED_ON:
    app.command(add_help_option=False, context_settings=everything)(passed_on)
of_data = typer.Typer(
    help="Look at a study's pictures.", no_args_is_help=True, rich_markup_mode=None
)
for passed_on in DATA:
    of_data.command(add_help_option=False, context_settings=everything)(passed_on)
app.add_typer(of_data, name="data")
for hidden_verb in HIDDEN:
    app.command(hidden=True)(hidden_verb)


def main() -> None:
    """Runs a verb; every expected error is one line on standard error, without a traceback."""
    raise_on_sigterm()
    try:
        with told("hpo"):
            app()
    except INTERRUPTS as interrupt:
        sys.exit(exit_status(interrupt))
