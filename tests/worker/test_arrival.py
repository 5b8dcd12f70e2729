"""A worker waits for a packed data set that is on its way, and not for ever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study.errors import UsageError
from study.paths import MANIFEST
from worker.arrival import await_store


def test_a_store_that_is_there_is_not_waited_for(shapes_store: Path) -> None:
    await_store(shapes_store, 0.0, turned=lambda: pytest.fail("it waited"))


def test_a_store_that_appears_ends_the_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, looks = tmp_path / "stores" / "abc", []

    def look() -> None:
        looks.append(time.monotonic())
        if len(looks) == 2:
            store.mkdir(parents=True)
            (store / MANIFEST).write_text("{}")

    await_store(store, 30.0, look)
    assert len(looks) == 2
    (said,) = caplog.messages
    assert said == f"waiting up to 30 s for the packed data set {store}"


def test_a_store_that_never_comes_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"stores/abc: .*after 0 s: make it .*prepare CONFIG"):
        await_store(tmp_path / "stores" / "abc", 0.1, lambda: None)
