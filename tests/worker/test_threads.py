from __future__ import annotations

import os
import subprocess
import sys

import pytest

from worker.threads import ROUNDS


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, ROUNDS), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
)
def test_threads_spin_as_long_as_is_said_before_torch_is_imported(
    given: dict[str, str], expected: str
) -> None:
    named = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    kept = {name: value for name, value in os.environ.items() if name not in named}
    run = subprocess.run(
        [sys.executable, "-c", "import worker, torch"],
        env=kept | given | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert f"GOMP_SPINCOUNT = '{expected}'" in run.stderr
