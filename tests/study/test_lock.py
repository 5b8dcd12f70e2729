"""Locks between those that open the same file."""

from __future__ import annotations

import threading
from pathlib import Path

from study.lock import locked
from tests.eventually import DEADLINE


def test_who_waits_says_so_until_the_lock_is_free(tmp_path: Path) -> None:
    waits, had = threading.Event(), threading.Event()

    def wait_for_it() -> None:
        with locked(tmp_path / "lock", waits.set):
            had.set()

    waiting = threading.Thread(target=wait_for_it)
    with locked(tmp_path / "lock"):
        waiting.start()
        assert waits.wait(DEADLINE)
        assert not had.is_set()
    assert had.wait(DEADLINE)
    waiting.join()


def test_a_lock_that_is_free_is_had_without_a_word(tmp_path: Path) -> None:
    def say() -> None:
        raise AssertionError("nobody holds it")

    for _ in range(2):
        with locked(tmp_path / "lock", say):
            pass
