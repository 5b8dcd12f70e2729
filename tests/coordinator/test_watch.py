"""What a person is shown of a running study."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from coordinator.backends.backend import WorkerState
from coordinator.snapshot import ShownTrial, snapshot
from coordinator.status import show_all
from coordinator.watch import duration, summary, view, workers_table
from study.lease import Outcome
from study.ledger import Ledger
from study.progress import observe
from study.registry import RegisteredStudy, Registry

from .conftest import Past


def test_the_summary_names_what_is_done_running_and_left(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    assert (
        summary(snapshot(observe(registry, study))) == "birds: 0/6 trials | 0 running | 6 to begin"
    )
    past.end(0.25)
    past.end(0.2, Outcome.PRUNED)
    past.begin()
    past.release(past.begin("w2"))
    line = summary(snapshot(observe(registry, study)))
    assert "birds: 2/6 trials (1 complete, 1 pruned) | 1 running (epoch 0 of 2) | " in line
    assert " | 1 to go on with | 2 to begin | " in line
    assert "best accuracy 0.2500 (trial 0)" in line


def test_the_summary_says_how_far_the_running_trials_are(
    registry: Registry, study: RegisteredStudy
) -> None:
    def line(*epochs: int | None) -> str:
        running = tuple(
            ShownTrial(number=number, worker="w", epoch=epoch, value=None, released=False)
            for number, epoch in enumerate(epochs)
        )
        shown = snapshot(observe(registry, study)).model_copy(update={"running": running})
        return summary(shown)

    assert "1 running (epoch 1 of 2) |" in line(0)
    assert "3 running (epoch 0 to 2 of 2) |" in line(1, None, 0)


def test_the_table_has_each_workers_trial_and_epoch(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.begin("w0")
    workers = [
        WorkerState(index=0, name="w0", alive=True),
        WorkerState(index=1, name="w1", alive=False, exit_status=-9),
        WorkerState(index=2, name="w2", alive=False, exit_status=143),
    ]
    output = Console(file=io.StringIO(), width=100)
    output.print(workers_table(snapshot(observe(registry, study), workers)))
    assert isinstance(output.file, io.StringIO)
    rows = [row.split() for row in output.file.getvalue().replace("│", " ").splitlines()]
    assert ["0", "training", "0", "0/2"] in rows
    assert ["1", "ended", "(-9)"] in rows
    assert ["2", "left"] in rows


def test_workers_that_load_are_said_to_start(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    workers = [WorkerState(index=index, name=f"w{index}", alive=True) for index in range(2)]
    assert "0 running | 2 workers starting | 6 to begin" in summary(
        snapshot(observe(registry, study), workers)
    )
    past.begin("w0")
    assert "1 running (epoch 0 of 2) | a worker starting | 5 to begin" in summary(
        snapshot(observe(registry, study), workers)
    )


def test_a_worker_between_two_trials_does_not_start(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    past.end(0.5)
    shown = snapshot(observe(registry, study), [WorkerState(index=0, name="w0.5", alive=True)])
    assert [worker.state for worker in shown.workers] == ["waiting"]
    assert "0 running | 5 to begin" in summary(shown)


def test_before_the_first_trial_ends_its_epochs_tell_how_long_the_study_takes(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    lease = past.begin("w0")
    assert observe(registry, study).seconds_left is None
    ledger = Ledger(registry.engine, study.study_id, "w0")
    ledger.report(lease, epoch=0, intermediate=None, metrics={"accuracy": 0.5, "seconds": 60.0})
    # two workers share 6 trials of 2 epochs, one of which is done
    assert observe(registry, study).seconds_left == 60.0 * 11 / 2
    assert "| about 6 min left" in summary(snapshot(observe(registry, study)))


def test_in_the_table_of_studies_a_trial_that_waits_to_go_on_does_not_run(
    registry: Registry, past: Past
) -> None:
    released = past.begin("w0")
    past.begin("w1")
    past.release(released)
    output = io.StringIO()
    show_all(registry, Console(file=output, width=100))
    (row,) = [line for line in output.getvalue().splitlines() if "birds" in line]
    assert [cell.strip() for cell in row.split("│")[1:5]] == ["birds", "open", "0/6", "1"]


def test_without_a_terminal_a_line_comes_only_with_news(
    registry: Registry, study: RegisteredStudy, past: Past
) -> None:
    output = io.StringIO()
    with view(Console(file=output, width=40)) as shown:
        for _ in range(3):
            shown.show(snapshot(observe(registry, study)))
        past.end(0.5)
        shown.show(snapshot(observe(registry, study)))
        shown.note("the database does not answer")
        shown.note("the database does not answer")
    lines = output.getvalue().splitlines()
    assert [line.split(" | ")[0] for line in lines] == [
        "birds: 0/6 trials",
        "birds: 1/6 trials (1 complete)",
        "the database does not answer",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (91, "2 min"), (3900, "1 h 05 min")]
)
def test_durations_read_easily(seconds: float, text: str) -> None:
    assert duration(seconds) == text
