from __future__ import annotations

import errno
import threading
from typing import Any

import pytest

from study.lease import Intermediate
from tests.eventually import DEADLINE
from tests.worker.training.recorded import NewTrial, Recorder, Trial
from worker.training.checkpoint import Checkpoints
from worker.training.epoch import StopRequested
from worker.training.fit import fit
from worker.training.progress import EpochResult

STEPS = 6  # of an epoch


class SlowToTell(Recorder):
    """The result of one epoch takes until so many steps are done, or a stop is asked for."""

    def __init__(self, trial: Trial, epoch: int, until: int, **options: Any) -> None:
        super().__init__(trial.directory, **options)
        self.epoch, self.until = epoch, until
        self.reached = threading.Event()

    def step_done(self) -> None:
        super().step_done()
        if self.steps >= self.until:
            self.reached.set()

    def stop_requested(self) -> bool:
        stops = super().stop_requested()
        if stops:
            self.reached.set()
        return stops

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> None:
        if result.epoch == self.epoch:
            assert self.reached.wait(DEADLINE)
        super().epoch_done(result, checkpoint, intermediate)


def test_the_next_epoch_is_trained_while_an_epoch_is_told(new_trial: NewTrial) -> None:
    trial, undisturbed = new_trial(epochs=3), new_trial(epochs=3)
    recorder = SlowToTell(trial, epoch=0, until=2 * STEPS)
    outcome = trial.run_with(recorder)
    undisturbed.run()
    assert [result.epoch for result in recorder.results] == [0, 1, 2]
    assert outcome.history[-1].value == undisturbed.results[2].value


def test_what_is_written_beside_the_next_epoch_is_the_epoch_that_was_closed(
    new_trial: NewTrial,
) -> None:
    trial, undisturbed = new_trial(epochs=3), new_trial(epochs=3)
    recorder = SlowToTell(trial, epoch=-1, until=2 * STEPS, prune_after=0)

    class SlowToWrite(Checkpoints):
        def save(self, *written: Any) -> str:
            assert recorder.reached.wait(DEADLINE)
            return super().save(*written)

    checkpoints = SlowToWrite(trial.directory, fingerprint="f", token=1)
    fit(trial.open_fold, config=trial.config, checkpoints=checkpoints, overseer=recorder)
    assert recorder.steps == 2 * STEPS
    trial.run()
    undisturbed.run()
    assert trial.steps == 2 * STEPS
    assert trial.numbers() == undisturbed.numbers()


def test_no_epoch_is_measured_before_the_verdict_on_the_one_before(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=3)
    recorder = SlowToTell(trial, epoch=0, until=2 * STEPS, prune_after=0)
    outcome = trial.run_with(recorder)
    assert outcome.ending == "pruned"
    assert [result.epoch for result in outcome.history] == [0]
    assert outcome.value == recorder.results[0].value


def test_a_verdict_that_comes_within_an_epoch_ends_it_there(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=3)

    class HearsInTheNext(Recorder):
        told = threading.Event()

        def stop_requested(self) -> bool:
            return self.steps > STEPS and self.told.wait(DEADLINE)

        def epoch_done(self, *said: Any) -> None:
            super().epoch_done(*said)
            self.told.set()

    recorder = HearsInTheNext(trial.directory, prune_after=0)
    outcome = trial.run_with(recorder)
    assert outcome.ending == "pruned"
    assert recorder.steps == STEPS + 1


@pytest.mark.parametrize("batch", [1, 5, 11])
def test_a_stop_while_an_epoch_is_told_keeps_the_steps_after_it(
    new_trial: NewTrial, batch: int
) -> None:
    trial, undisturbed = new_trial(epochs=3), new_trial(epochs=3)
    asked_in_epoch = 2 * STEPS + 1 + 2 * 3 + 1  # of training and validation, with the empty last
    recorder = SlowToTell(trial, epoch=0, until=3 * STEPS, stop_at=asked_in_epoch + batch)
    outcome = trial.run_with(recorder)
    assert outcome.ending == "stopped"
    assert [result.epoch for result in recorder.results] == [0]
    step = batch // 2
    assert (outcome.checkpoint or "").startswith(f"checkpoint-0001-00001-{step:07d}-")
    trial.run()
    undisturbed.run()
    assert trial.numbers()[1:] == undisturbed.numbers()[1:]


def test_a_full_disk_under_an_epoch_is_heard_of_before_the_next_is_measured(
    new_trial: NewTrial,
) -> None:
    class Full(Recorder):
        def epoch_done(self, *_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    trial = new_trial(epochs=3)
    recorder = Full(trial.directory)
    with pytest.raises(OSError, match="No space left"):
        trial.run_with(recorder)
    assert recorder.steps == 2 * STEPS


@pytest.mark.parametrize("ending", ["pruned", "diverged", "stopped"])
def test_an_error_in_the_next_epoch_counts_only_where_the_trial_went_on(
    new_trial: NewTrial, ending: str
) -> None:
    class Breaks(SlowToTell):
        def step_done(self) -> None:
            super().step_done()
            if self.steps == STEPS + 2:
                self.reached.set()
                raise ArithmeticError("in the second epoch")

        def may_go_on(self) -> bool:
            if ending == "stopped":
                raise StopRequested
            return super().may_go_on()

    trial = new_trial(epochs=3)
    prune_after = 0 if ending == "pruned" else None
    recorder = Breaks(trial, epoch=0, until=3 * STEPS, prune_after=prune_after)
    if ending == "diverged":
        with pytest.raises(ArithmeticError, match="in the second epoch"):
            trial.run_with(recorder)
    else:
        assert trial.run_with(recorder).ending == ending
    assert [result.epoch for result in recorder.results] == [0]


def test_on_a_rung_and_where_the_model_is_looked_into_the_verdict_is_waited_for(
    new_trial: NewTrial,
) -> None:
    rungs, details = new_trial(epochs=3), new_trial(epochs=3)
    pruner = rungs.config.search.pruner.model_copy(update={"name": "asha", "min_epochs": 1})
    search = rungs.config.search.model_copy(update={"pruner": pruner})
    rungs.config = rungs.config.model_copy(update={"search": search})
    tracking = details.config.tracking.model_copy(update={"details": ("weights",)})
    details.config = details.config.model_copy(update={"tracking": tracking})
    told_by = set()

    class NotesThread(Recorder):
        def epoch_done(self, *said: Any) -> None:
            super().epoch_done(*said)
            told_by.add(threading.current_thread())

    for trial in (rungs, details):
        recorder = NotesThread(trial.directory, prune_after=0)
        trial.run_with(recorder)
        assert recorder.steps == STEPS
    assert told_by == {threading.current_thread()}  # whose settings of torch are the trial's
