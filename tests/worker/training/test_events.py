from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from worker.training.events import Events
from worker.training.progress import EpochResult


def write(directory: Path, first: int, last: int, loss: float) -> None:
    events = Events(directory)
    for epoch in range(first, last + 1):
        events.add(EpochResult(epoch, 0.5, {"loss": loss + epoch}))
    events.close()


def test_a_resumed_trial_replaces_the_epochs_it_repeats(tmp_path: Path) -> None:
    write(tmp_path, 0, 3, loss=10.0)
    first = {path.name for path in tmp_path.iterdir()}
    write(tmp_path, 2, 5, loss=20.0)
    assert len({path.name for path in tmp_path.iterdir()} - first) == 1

    curves = EventAccumulator(str(tmp_path)).Reload()
    points = [(event.step, event.value) for event in curves.Scalars("loss")]
    assert points == [(0, 10.0), (1, 11.0), (2, 22.0), (3, 23.0), (4, 24.0), (5, 25.0)]


def test_nothing_is_written_before_the_first_result(tmp_path: Path) -> None:
    Events(tmp_path / "events").close()
    assert not (tmp_path / "events").exists()
