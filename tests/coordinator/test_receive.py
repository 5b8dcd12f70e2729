"""`hpo receive` as a process, fed as `kubectl exec -i` feeds it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CONTENT = b"pictures" * 100_000
NAME = hashlib.sha256(CONTENT).hexdigest()


def start(home: Path, sha256: str = NAME, size: int = len(CONTENT)) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "coordinator", "receive", sha256, str(size)],
        env={**os.environ, "HPO_DATA": str(home / "data" / "packed")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def sources(home: Path) -> Iterator[Path]:
    place = home / "data" / "sources"
    yield place
    assert [file.name for file in place.glob("*")] in ([], [f"{NAME}.zip"]), "nothing half written"


def test_an_archive_is_asked_for_once(home: Path, sources: Path) -> None:
    process = start(home)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"want\n"
    process.stdin.write(CONTENT)
    process.stdin.flush()  # and not closed: it is the size that ends it
    assert process.stdout.readline() == b"taken\n"
    assert process.wait(30) == 0
    process.communicate()
    assert (sources / f"{NAME}.zip").read_bytes() == CONTENT
    assert start(home).communicate() == (b"have\n", b"")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (CONTENT[:-5], b"the archive ended 5 bytes too early"),
        (b"P" + CONTENT[1:], b"the archive changed while it was sent"),
    ],
)
def test_what_is_not_the_archive_is_refused(
    sent: bytes, said: bytes, home: Path, sources: Path
) -> None:
    process = start(home)
    _, errors = process.communicate(sent)
    assert process.returncode == 2
    assert said in errors
    assert list(sources.glob("*")) == []


def test_a_full_volume_is_told_before_anything_is_sent(home: Path, sources: Path) -> None:
    process = start(home, size=2**60)
    printed, errors = process.communicate()
    assert process.returncode == 2
    assert b"enlarge the claim `data`" in errors
    assert len(errors.splitlines()) == 1
    assert printed == b""
    assert list(sources.glob("*")) == []


@pytest.mark.usefixtures("sources")
def test_a_name_that_is_no_checksum_is_refused(home: Path) -> None:
    _, errors = start(home, sha256="../../etc/passwd").communicate()
    assert b"hpo: SHA256 " in errors
