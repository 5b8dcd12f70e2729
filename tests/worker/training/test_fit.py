from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from study.config.models import BackboneConfig
from study.config.search import BudgetConfig, Metric, SearchConfig
from study.errors import BadData, Diverged
from tests.worker.training.recorded import NewTrial, Recorder
from worker.models.weights import load_weights
from worker.training.epoch import StopRequested
from worker.training.fit import Outcome


def test_a_fit_learns_and_reports_every_epoch_once(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=8)
    outcome = trial.run()

    assert outcome.ending == "complete"
    assert trial.reported == list(range(8))
    assert outcome.best is not None
    assert outcome.best.value == max(result.value for result in trial.results.values()) > 0.8
    measured = get_args(Metric)
    assert trial.results[7].metrics.keys() == {
        *measured,
        *(f"train_{name}" for name in measured),
        *("learning_rate", "images_per_second", "seconds"),
    }


def test_training_metrics_are_those_of_the_steps_and_the_loss_is_what_they_made_smaller(
    new_trial: NewTrial,
) -> None:
    trial = new_trial(epochs=6, label_smoothing=0.2)
    trial.run()
    first, last = trial.results[0].metrics, trial.results[5].metrics
    assert first["train_accuracy"] < 0.5 < 0.8 < last["train_accuracy"]
    assert last["train_loss"] > last["train_log_loss"]  # smoothing alone costs something


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@settings(max_examples=12)
@given(stops=st.lists(st.integers(1, 60), min_size=1, max_size=3))
def test_stopped_anywhere_and_resumed_the_numbers_are_those_of_an_undisturbed_run(
    new_trial: NewTrial, precision: str, stops: list[int]
) -> None:
    undisturbed, disturbed = (new_trial(precision=precision, optimizer="adamw") for _ in range(2))
    expected = undisturbed.run()
    outcome = disturbed.run_in_legs(stops)

    assert disturbed.numbers() == undisturbed.numbers()
    assert disturbed.steps == undisturbed.steps == 3 * 6  # none lost, none done twice
    assert outcome.best is not None
    assert expected.best is not None
    assert (outcome.best.epoch, outcome.best.value) == (expected.best.epoch, expected.best.value)
    ours, theirs = disturbed.weights(outcome.best), undisturbed.weights(expected.best)
    torch.testing.assert_close(dict(ours), dict(theirs), rtol=0, atol=0)


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "step", "constant"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_schedule_and_optimizer_resumes_exactly(
    new_trial: NewTrial, schedule: str, optimizer: str
) -> None:
    options = {"schedule": schedule, "optimizer": optimizer, "epochs": 2, "step_epochs": 1}
    undisturbed, disturbed = new_trial(**options), new_trial(**options)
    undisturbed.run()
    disturbed.run(stop_at=6)
    disturbed.run()
    assert disturbed.numbers() == undisturbed.numbers()


@pytest.mark.parametrize("stops", [[3], [13, 3], [16], [24], [31]])
def test_a_frozen_then_unfrozen_backbone_resumes_exactly(
    new_trial: NewTrial, stops: list[int]
) -> None:
    network = "tests.worker.models.small_network:SmallNetwork"
    model = BackboneConfig(name=network, frozen_epochs=1, backbone_rate=0.1, dropout=0.3)
    undisturbed, disturbed = (new_trial(optimizer="adamw") for _ in range(2))
    for trial in (undisturbed, disturbed):
        trial.config = trial.config.model_copy(update={"model": model})
    expected = undisturbed.run()
    outcome = disturbed.run_in_legs(stops)
    assert disturbed.numbers() == undisturbed.numbers()
    assert outcome.best is not None
    assert expected.best is not None
    ours, theirs = disturbed.weights(outcome.best), undisturbed.weights(expected.best)
    torch.testing.assert_close(dict(ours), dict(theirs), rtol=0, atol=0)


def test_a_stop_takes_effect_after_the_step_in_hand(new_trial: NewTrial) -> None:
    trial = new_trial()
    outcome = trial.run(stop_at=5)  # asked before and after each batch: two steps are done
    assert outcome.ending == "stopped"
    assert outcome.checkpoint is not None
    assert outcome.checkpoint.startswith("checkpoint-0001-00000-0000002-")


def test_a_stop_while_a_batch_is_waited_for_does_not_train_on_it(
    new_trial: NewTrial, train: Any, val: Any
) -> None:
    stopped = False

    class SlowBatches:
        steps, images = train.steps, train.images

        def for_training(self, _: object) -> SlowBatches:
            return self

        def close(self) -> None: ...

        def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
            nonlocal stopped
            for number, batch in enumerate(train.epoch(epoch, start_step)):
                stopped = number == 3
                yield batch

    class StopsInTime(Recorder):
        def stop_requested(self) -> bool:
            return stopped

    trial = new_trial((SlowBatches(), val))
    outcome = trial.run_with(StopsInTime(trial.directory))
    assert (outcome.checkpoint or "").startswith("checkpoint-0001-00000-0000003-")


def test_a_stop_in_validation_keeps_the_trained_epoch(new_trial: NewTrial) -> None:
    trial = new_trial()
    outcome = trial.run(stop_at=6 * 2 + 3)
    assert (outcome.checkpoint or "").startswith("checkpoint-0001-00000-0000006-")
    assert trial.reported == []


def test_a_stop_before_the_first_step_writes_nothing(new_trial: NewTrial) -> None:
    trial = new_trial()
    assert trial.run(stop_at=1) == Outcome(
        ending="stopped", value=None, best=None, checkpoint=None, history=()
    )
    assert list(trial.directory.iterdir()) == []


def test_a_stop_during_the_report_keeps_the_epoch_and_the_steps_after_it(
    new_trial: NewTrial,
) -> None:
    trial = new_trial()

    class Impatient(Recorder):
        def may_go_on(self) -> bool:
            raise StopRequested

    outcome = trial.run_with(Impatient(trial.directory))
    assert outcome.ending == "stopped"
    assert outcome.best is not None
    assert (outcome.checkpoint or "").startswith("checkpoint-0001-00001-0000006-")


def test_the_last_result_of_a_checkpoint_is_reported_again_before_training(
    new_trial: NewTrial,
) -> None:
    trial = new_trial()
    trial.run(prune_after=0)
    trial.run()
    assert trial.reported == [0, 0, 1, 2]


def test_a_pruned_fit_keeps_its_best_epoch(new_trial: NewTrial) -> None:
    trial = new_trial()
    outcome = trial.run(prune_after=1)
    assert outcome.ending == "pruned"
    assert outcome.best is not None
    weights = load_weights(trial.directory / outcome.best.weights)
    assert weights.meta["epoch"] == outcome.best.epoch
    assert weights.meta["metrics"]["accuracy"] == weights.meta["value"] == outcome.best.value


def test_a_study_of_the_loss_keeps_the_epoch_with_the_lowest(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=4)
    search = SearchConfig(metric="loss", direction="minimize", budget=BudgetConfig(trials=1))
    trial.config = trial.config.model_copy(update={"search": search})
    outcome = trial.run()
    losses = [result.metrics["loss"] for result in trial.results.values()]
    assert outcome.best is not None
    assert outcome.best.value == min(losses)
    assert losses[outcome.best.epoch] == min(losses)


def test_early_stopping_ends_after_so_many_epochs_without_a_better_one(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=30, early_stopping=2, learning_rate=1e-9, warmup=0.0)
    outcome = trial.run()
    assert outcome.ending == "complete"
    assert outcome.best is not None
    assert trial.reported[-1] == outcome.best.epoch + 2 < 29


def test_early_stopping_counts_on_after_a_resume(new_trial: NewTrial) -> None:
    options = {"epochs": 30, "early_stopping": 2, "learning_rate": 1e-9, "warmup": 0.0}
    undisturbed, disturbed = new_trial(**options), new_trial(**options)
    undisturbed.run()
    while disturbed.run(stop_at=22).ending == "stopped":
        pass
    assert sorted(disturbed.results) == undisturbed.reported


def test_a_loss_that_is_not_finite_ends_the_fit_as_diverged(
    new_trial: NewTrial, train: Any, val: Any
) -> None:
    train.pixels[7] = float("nan")
    trial = new_trial((train, val))
    with pytest.raises(Diverged, match=r"training loss must stay finite, got nan by epoch 0"):
        trial.run()
    assert trial.reported == []


def test_a_validation_loss_that_is_not_finite_ends_the_fit_as_diverged(
    new_trial: NewTrial, train: Any, val: Any
) -> None:
    val.pixels[7] = float("inf")
    with pytest.raises(Diverged, match="validation loss must stay finite"):
        new_trial((train, val)).run()


def test_a_metric_that_the_validation_split_does_not_define_ends_the_study_not_the_trial(
    new_trial: NewTrial, train: Any, val: Any
) -> None:
    """One class alone has no ROC curve; every other trial would meet the same."""
    val.labels[:] = 2
    trial = new_trial((train, val))
    search = SearchConfig(metric="roc_auc", budget=BudgetConfig(trials=1))
    trial.config = trial.config.model_copy(update={"search": search})
    with pytest.raises(
        BadData, match=r"search.metric=roc_auc .*got nan of 40 pictures \(1 class\):"
    ):
        trial.run()
    assert trial.reported == []


def test_the_device_is_left_once_the_last_epoch_is_measured_and_before_it_is_told(
    new_trial: NewTrial,
) -> None:
    trial = new_trial(epochs=3)
    outcome = trial.run()
    assert trial.trained_after == {2: outcome.value}
    assert trial.closed == [0]


def test_a_resumed_trial_is_trained_with_the_best_value_of_all_its_epochs(
    new_trial: NewTrial,
) -> None:
    trial = new_trial(epochs=3, learning_rate=1e-9)
    outcome = trial.run_in_legs([25])
    assert trial.reported == [0, 0, 1, 2]  # the second process began with what the first had told
    assert trial.trained_after == {2: outcome.value}


def test_who_needs_the_device_after_the_last_epoch_does_not_leave_it(new_trial: NewTrial) -> None:
    looked_into, timed = new_trial(epochs=2), new_trial(epochs=2)
    tracking = looked_into.config.tracking.model_copy(update={"details": ("weights",)})
    looked_into.config = looked_into.config.model_copy(update={"tracking": tracking})
    search = timed.config.search.model_copy(update={"second": "latency"})
    timed.config = timed.config.model_copy(update={"search": search})
    for trial in (looked_into, timed):
        trial.run()
        assert (trial.trained_after, trial.closed) == ({}, [])


def test_a_trial_that_stops_early_leaves_the_device_as_well(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=30, early_stopping=2, learning_rate=1e-9, warmup=0.0)
    outcome = trial.run()
    assert trial.trained_after == {trial.reported[-1]: outcome.value}


def test_a_verdict_is_told_nobody_before_it_is_given(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=3)
    trial.run(prune_after=1)
    assert trial.trained_after == {}
