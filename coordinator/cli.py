"""`hpo`: one verb for each thing a person does with a study.

Says what went wrong in one line; the verbs are in verbs/. Knows nothing of what they do.
"""

from __future__ import annotations

import sys

import typer

from coordinator.interrupt import INTERRUPTS, exit_status, raise_on_sigterm
from coordinator.verbs import looking, models, running
from study import exit_codes
from study.database import is_outage
from study.errors import DatabaseUnreachable, HpoError, UsageError, of_the_disk

VERBS = (
    running.submit,
    running.resume,
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


def main() -> None:
    """Runs a verb; every expected error is one line on standard error, without a traceback."""
    raise_on_sigterm()
    try:
        app()
    except HpoError as error:
        _fail(error)
    except INTERRUPTS as interrupt:
        sys.exit(exit_status(interrupt))
    except OSError as error:
        found = of_the_disk(error)
        if found is None:
            raise
        _fail(found)
    except Exception as error:
        if not is_outage(error):
            raise
        _fail(DatabaseUnreachable(f"the database went away: {error.__cause__ or error}"))


def _fail(error: HpoError) -> None:
    for line in str(error).splitlines():
        print(f"hpo: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(exit_codes.USAGE if isinstance(error, UsageError) else exit_codes.FAILED)
