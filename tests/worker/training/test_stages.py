from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.config.training import TrainingConfig
from tests.worker.training.recorded import NewTrial
from worker.training.schedule import learning_rate
from worker.training.stages import stage_at

STAGES = (
    {"epochs": 2, "schedule": "constant", "precision": "bfloat16"},
    {"epochs": 1, "learning_rate": 0.001, "batch_size": 24, "resume": "best"},
    {"epochs": 2, "learning_rate": 0.0001, "schedule": "cosine", "precision": "float16"},
)


def test_a_stage_says_what_differs_and_has_the_rest_from_the_training() -> None:
    config = TrainingConfig.model_validate({"weight_decay": 0.5, "warmup": 0.1, "stages": STAGES})
    first, second, third = config.in_stages
    assert (first.learning_rate, first.batch_size, first.precision) == (1e-3, 64, "bfloat16")
    assert (second.batch_size, second.schedule, second.precision) == (24, "one_cycle", "auto")
    assert {stage.weight_decay for stage in (first, second, third)} == {0.5}
    assert config.total_epochs == 5
    assert TrainingConfig(epochs=7).total_epochs == 7


def test_a_training_without_stages_is_its_only_stage() -> None:
    config = TrainingConfig(epochs=3)
    assert config.in_stages == (config,)


def test_each_stage_has_a_schedule_of_its_own() -> None:
    config = TrainingConfig.model_validate({"learning_rate": 0.1, "stages": STAGES})
    stages = [stage_at(config, epoch) for epoch in range(5)]
    assert [stage.index for stage in stages] == [0, 0, 1, 2, 2]
    rates = [
        learning_rate(stage.training, stage.step(epoch, 0, 6), 6)
        for epoch, stage in enumerate(stages)
    ]
    assert rates == pytest.approx([0.1, 0.1, 0.001 / 25, 0.0001, 0.00005])


def test_epochs_count_through_all_stages(new_trial: NewTrial) -> None:
    trial = new_trial(epochs=99, stages=STAGES)
    outcome = trial.run()
    assert outcome.ending == "complete"
    assert trial.reported == list(range(5))
    assert list(trial.compared) == list(range(5))
    assert trial.steps == 2 * 6 + 1 * 4 + 2 * 6  # of 90 pictures in batches of 16, of 24 in one
    assert outcome.best is not None
    assert outcome.value == outcome.best.value == max(trial.compared.values())


@settings(max_examples=6)
@given(stops=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_stopped_anywhere_also_at_a_stages_border_the_numbers_stay_the_same(
    new_trial: NewTrial, stops: list[int]
) -> None:
    undisturbed, disturbed = (new_trial(stages=STAGES) for _ in range(2))
    undisturbed.run()
    disturbed.run_in_legs(stops)
    assert disturbed.numbers() == undisturbed.numbers()
    assert disturbed.steps == undisturbed.steps


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_pruned_at_a_stages_border_and_taken_up_again_it_goes_on_alike(
    new_trial: NewTrial, epochs: int
) -> None:
    undisturbed, disturbed = (new_trial(stages=STAGES) for _ in range(2))
    undisturbed.run()
    disturbed.run(prune_after=epochs - 1)
    torch.manual_seed(1)
    disturbed.run()
    assert disturbed.numbers() == undisturbed.numbers()


@pytest.mark.parametrize("resume", ["last", "best"])
def test_a_stage_begins_with_the_last_or_the_best_weights(new_trial: NewTrial, resume: str) -> None:
    """The first stage is too fast to end at its best; the second changes next to nothing."""
    fast = {"epochs": 6, "schedule": "constant", "learning_rate": 0.5}
    still = {"epochs": 1, "schedule": "constant", "learning_rate": 1e-9, "resume": resume}
    trial = new_trial(stages=(fast, still), weight_decay=0.0)
    best = trial.run(prune_after=5).best
    assert best is not None
    assert best.epoch < 5
    before = {"last": trial.saved_model(), "best": trial.weights(best)}
    trial.run()
    after = trial.saved_model()
    kernels = [name for name, tensor in after.items() if tensor.ndim > 1]
    same = {
        which: all(torch.allclose(after[name], state[name], atol=1e-6) for name in kernels)
        for which, state in before.items()
    }
    assert same == {"last": resume == "last", "best": resume == "best"}


def test_early_stopping_counts_over_stages(new_trial: NewTrial) -> None:
    still = {"epochs": 2, "learning_rate": 1e-9, "schedule": "constant"}
    trial = new_trial(stages=(still, still, still), early_stopping=3)
    outcome = trial.run()
    assert outcome.best is not None
    assert trial.reported[-1] == min(outcome.best.epoch + 3, 5)
