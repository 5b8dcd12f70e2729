"""What both programs say at their end."""

from __future__ import annotations

import errno
import os

import pytest
from sqlalchemy.exc import OperationalError

from study.errors import HpoError, UsageError
from study.told import told


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UsageError("no such study"), 2, "hpo: no such study\n"),
        (HpoError("no trial is complete"), 1, "hpo: no trial is complete\n"),
        (UsageError("a.yaml:1: one\na.yaml:2: two"), 2, "hpo: a.yaml:1: one\nhpo: a.yaml:2: two\n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"), 2, "hpo: /x: No space left on"),
        (OperationalError("SELECT", {}, Exception("gone\nfor good")), 2, "the database went away"),
    ],
)
def test_an_expected_error_is_told_without_a_traceback(
    error: Exception, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, told("hpo"):
        raise error
    assert ended.value.code == status
    printed = capsys.readouterr().err
    assert said in printed
    assert all(line.startswith("hpo: ") for line in printed.splitlines())


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), told("hpo"):
        raise ZeroDivisionError
