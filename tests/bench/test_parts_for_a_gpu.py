"""Parts that are made for a GPU run on a CPU too."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench import feeding, memory_over_trials, packing
from tests.pictures import draw_classes


def test_a_model_is_fed_by_tensors_on_the_device_and_by_every_loader(tmp_path: Path) -> None:
    pictures = draw_classes(tmp_path / "pictures", per_class=12)
    given = argparse.Namespace(
        **{"data": pictures, "source_name": "bars", "size": 16, "batch": 8, "limit": 12},
        **{"models": ["DynamicCNN"], "rounds": 1},
    )
    found = feeding.measure(given)
    assert [row[1] for row in found.rows][:3] == [
        "tensors on the device",
        "DataLoader",
        "`resident`",
    ]
    assert found.rows[0][3] == "100% (100% to 100%)"
    assert all(values[0] > 0 for values in found.rounds.values())


def test_memory_is_that_of_the_processes_of_one_study(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "held = bytes(range(256)) * 2**17; print(flush=True); input()"]
    environment = os.environ | {"HPO_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        holding = memory_over_trials.resident_mib(str(tmp_path))
        process.communicate(b"\n")
    assert 32 < holding < 64  # 32 MiB are held
    assert memory_over_trials.resident_mib(str(tmp_path)) == 0


def test_the_highest_of_each_fifth_of_the_time_is_compared() -> None:
    rising = tuple(float(number) for number in range(10))
    assert memory_over_trials.highest(rising) == (1.0, 3.0, 5.0, 7.0, 9.0)
    given = argparse.Namespace(source_name="bars", trials=50, size=128, epochs=1)
    found = memory_over_trials.section(given, rising, tuple(0.0 for _ in rising))
    assert found.rows[-1] == ("5", "9", "no GPU")


def test_packed_trials_are_compared_with_those_one_by_one_of_the_same_seed() -> None:
    given = argparse.Namespace(
        source_name="bars", slots=["1", "auto"], size=128, trials=4, epochs=2
    )
    found = packing.section(given, {"1": (100.0, 50.0), "auto": (150.0, 100.0)})
    assert [row[2] for row in found.rows] == ["1.00 (1.00 to 1.00)", "1.75 (1.50 to 2.00)"]
