"""A trial that is stopped, killed, slow to write and late to be judged in any order, and one that
waits after every epoch: what they say, keep and end with is the same."""

from __future__ import annotations

import itertools
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._pytree import tree_flatten

from study.lease import Intermediate
from tests.eventually import DEADLINE
from tests.worker.training.recorded import TIMINGS, NewTrial, Recorder, Trial
from worker.models.sealed import unseal
from worker.models.weights import load_weights
from worker.training.checkpoint import Checkpoints
from worker.training.epoch import StopRequested
from worker.training.fit import Outcome, fit
from worker.training.progress import EpochResult, Progress

STEPS = 6  # of an epoch
EXAMPLES = 6  # take 2 s
NEVER = 10**6
MOMENTS = ("step", "asked", "saving", "saved", "telling", "told", "collected")


class Killed(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class Disturbance:
    """Of one process."""

    steps_until_told: tuple[int, ...]
    """Of the next epoch, done before an epoch is told; by its number."""
    asks_until_pruned: int
    """How often a stop is asked for until the verdict has come."""
    stop_at: int = NEVER
    kill_at: tuple[str, int] = ("step", NEVER)
    """One of MOMENTS, and at which time."""


CALM = Disturbance((0,) * 6, 0)


class Disturbed(Recorder):
    """An overseer whose process is disturbed. A stop overtakes the verdict (see worker/orders.py);
    what is said after a kill nobody hears, and the directory is left as it was at that moment."""

    def __init__(self, trial: Trial, wrong: Disturbance, prune_after: int | None) -> None:
        super().__init__(trial.directory, wrong.stop_at, prune_after)
        self.wrong, self.left = wrong, trial.directory.with_name(f"{trial.directory.name}-left")
        found = Checkpoints(trial.directory, fingerprint="f", token=1).restore()
        self.epoch, self.step = found[0].position if found else (0, 0)
        self.first_stage = trial.config.training.in_stages[0].epochs
        self.pruned_at = NEVER
        self.dead = False
        self.moments = dict.fromkeys(MOMENTS, 0)
        self.moved = threading.Condition(threading.RLock())
        self.learners: dict[int, Any] = {}

    def passes(self, moment: str) -> None:
        with self.moved:
            self.moments[moment] += 1
            if not self.dead and (moment, self.moments[moment]) == self.wrong.kill_at:
                self.dead = True
                shutil.copytree(self.directory, self.left)
                self.moved.notify_all()
                raise Killed

    def stop_requested(self) -> bool:
        self.passes("asked")
        with self.moved:
            stops = super().stop_requested() or self.asked >= self.pruned_at
            self.moved.notify_all()
        return stops

    def step_done(self) -> None:
        with self.moved:
            super().step_done()
            self.moved.notify_all()
        self.passes("step")

    def epoch_done(
        self, result: EpochResult, checkpoint: str, intermediate: Intermediate | None
    ) -> None:
        if threading.current_thread() is not threading.main_thread():
            done = (result.epoch + 1 - self.epoch) * STEPS - self.step
            ends_stage = result.epoch + 1 == self.first_stage  # and nothing is trained meanwhile
            after = 0 if ends_stage else self.wrong.steps_until_told[result.epoch]
            self.await_steps(done + after)
        self.passes("telling")
        with self.moved:
            if self.dead:
                return
            super().epoch_done(result, checkpoint, intermediate)
            content = unseal(self.directory / checkpoint)
            progress = Progress.from_plain(content["progress"])
            assert progress.last == result
            if progress.step == 0:
                self.learners[result.epoch] = content["learner"]
            if result.epoch == self.prune_after:
                self.pruned_at = self.asked + self.wrong.asks_until_pruned
        self.passes("told")

    def may_go_on(self) -> bool:
        if self.asked >= self.stop_at:
            raise StopRequested
        return self.dead or super().may_go_on()

    def await_steps(self, steps: int) -> None:
        def reached() -> bool:
            stopped = self.asked >= min(self.stop_at, self.pruned_at)
            return self.dead or stopped or self.steps >= steps

        with self.moved:
            assert self.moved.wait_for(reached, DEADLINE)


class Watched(Checkpoints):
    """Of a process that may be killed around each of its writes."""

    def __init__(self, directory: Path, overseer: Disturbed) -> None:
        super().__init__(directory, fingerprint="f", token=1)
        self.overseer = overseer

    def save(
        self, progress: Progress, learner: dict[str, Any], best: dict[str, Any] | None = None
    ) -> str:
        self.overseer.passes("saving")
        with self.overseer.moved:  # a snapshot is of one moment
            name = super().save(progress, learner, best)
        self.overseer.passes("saved")
        return name

    def collect(self) -> None:
        with self.overseer.moved:
            super().collect()
        self.overseer.passes("collected")


def numbers(result: EpochResult) -> dict[str, float]:
    return {name: value for name, value in result.metrics.items() if name not in TIMINGS}


def plain(state: Any) -> list[Any]:
    """For comparison to the last bit."""
    leaves, _ = tree_flatten(state)
    return [leaf.tolist() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]


def is_tidy(directory: Path) -> bool:
    """Whether all files are the last two checkpoints and what they refer to."""
    found = {file.name for file in directory.iterdir()}
    checkpoints = {name for name in found if name.startswith("checkpoint-")}
    held = [Progress.from_plain(unseal(directory / name)["progress"]) for name in checkpoints]
    needed = {best.weights for progress in held for best in progress.bests}
    return len(checkpoints) <= 2 and found == checkpoints | needed


@dataclass(frozen=True)
class Undisturbed:
    """What a trial says, keeps and ends with that waits after every epoch."""

    outcome: Outcome
    overseer: Disturbed

    @classmethod
    def run(cls, trial: Trial, prune_after: int | None) -> Undisturbed:
        tracking = trial.config.tracking.model_copy(update={"details": ("weights",)})
        trial.config = trial.config.model_copy(update={"tracking": tracking})
        overseer = Disturbed(trial, CALM, prune_after)
        return cls(trial.run_with(overseer), overseer)

    def check_told(self, said: Disturbed) -> None:
        """What one disturbed process has told and written."""
        epochs = [result.epoch for result in said.results]
        assert all(after == before + 1 for before, after in itertools.pairwise(epochs))
        for result in said.results:
            assert numbers(result) == numbers(self.outcome.history[result.epoch])
        for epoch, learner in said.learners.items():
            assert plain(learner) == plain(self.overseer.learners[epoch])

    def check_end(self, directory: Path, outcome: Outcome) -> None:
        """How the last process ended."""
        expected = self.outcome
        assert (outcome.ending, outcome.value) == (expected.ending, expected.value)
        assert list(map(numbers, outcome.history)) == list(map(numbers, expected.history))
        assert outcome.best is not None
        assert expected.best is not None
        ours = load_weights(directory / outcome.best.weights)
        theirs = load_weights(self.overseer.directory / expected.best.weights)
        assert ours.meta["epoch"] == theirs.meta["epoch"]
        assert plain(ours.state) == plain(theirs.state)
        assert is_tidy(directory)


def run(trial: Trial, overseer: Disturbed) -> Outcome | None:
    """One process; None where it is killed, and its directory is what it was then."""
    checkpoints = Watched(trial.directory, overseer)
    try:
        return fit(trial.open_fold, config=trial.config, checkpoints=checkpoints, overseer=overseer)
    except Killed:
        shutil.rmtree(trial.directory)
        overseer.left.rename(trial.directory)
        return None


disturbances = st.builds(
    Disturbance,
    steps_until_told=st.tuples(*[st.integers(0, STEPS)] * 6),
    asks_until_pruned=st.integers(0, 20),
    stop_at=st.one_of(st.just(NEVER), st.integers(1, 60)),
    kill_at=st.tuples(st.sampled_from(MOMENTS), st.integers(1, 25)),
)
STAGES = [{"epochs": 1}, {"epochs": 3, "learning_rate": 0.02, "resume": "best"}]


@pytest.mark.parametrize(
    ("training", "prune_after"),
    [
        ({"epochs": 4}, None),
        ({"epochs": 4}, 1),
        ({"stages": STAGES}, None),
        ({"stages": STAGES}, 2),
        ({"epochs": 6, "early_stopping": 1, "learning_rate": 0.05}, None),
    ],
)
def test_a_disturbed_trial_is_one_that_waits_after_every_epoch(
    new_trial: NewTrial, training: dict[str, Any], prune_after: int | None
) -> None:
    undisturbed = Undisturbed.run(new_trial(optimizer="adamw", **training), prune_after)

    @settings(max_examples=EXAMPLES)
    @given(wrongs=st.lists(disturbances, min_size=1, max_size=3))
    def holds(wrongs: list[Disturbance]) -> None:
        trial = new_trial(optimizer="adamw", **training)
        for wrong in [*wrongs, CALM]:
            overseer = Disturbed(trial, wrong, prune_after)
            outcome = run(trial, overseer)
            undisturbed.check_told(overseer)
            if outcome is not None and outcome.ending != "stopped":
                break
        assert outcome is not None
        undisturbed.check_end(trial.directory, outcome)

    holds()
