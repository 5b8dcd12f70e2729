"""Tells the person what went wrong, in a line and an exit status instead of a traceback.

Both programs end through here, under the name that the person has typed. Knows nothing of what
they do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from study import exit_codes
from study.database import is_outage
from study.errors import DatabaseUnreachable, HpoError, UsageError, of_the_disk, one_line

CALLED = "HPO_CALLED"
"""In the environment of a program that another one became: what the person has typed."""


def called(program: str) -> str:
    """What a person has typed before the verb, for example `hpo data`: where no other program
    became it, its own name."""
    return os.environ.get(CALLED, program)


@contextmanager
def told(program: str) -> Iterator[None]:
    """Runs the block; an expected error ends the process, each of its lines behind the program's
    name on standard error. An unexpected one is a bug and passes through."""
    try:
        yield
    except Exception as error:
        found = expected(error)
        if found is None:
            raise
        for line in str(found).splitlines():
            print(f"{program}: {line}", file=sys.stderr)  # noqa: T201
        sys.exit(exit_codes.USAGE if isinstance(found, UsageError) else exit_codes.FAILED)


def expected(error: Exception) -> HpoError | None:
    """What a person can do something about; None for a bug."""
    if isinstance(error, HpoError):
        return error
    if isinstance(error, OSError):
        return of_the_disk(error)
    if is_outage(error):
        return DatabaseUnreachable(f"the database went away: {reason(error)}")
    return None


def reason(error: BaseException) -> str:
    """What lies behind an error, in one line."""
    return one_line(str(error.__cause__ or error).strip().split("\n")[0])
