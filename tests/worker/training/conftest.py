"""A tiny learnable problem in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from study.config.data import DataConfig
from study.config.models import DynamicCnnConfig
from study.config.records import StudyConfig
from study.config.search import BudgetConfig, SearchConfig
from study.config.training import TrainingConfig
from tests.worker.training.recorded import NewTrial, Trial
from worker.data.batches import Batches
from worker.models.build import build_model
from worker.training.learner import Learner

CLASSES = 6


class MemoryBatches:
    """Pictures whose brightest quarter tells the class, in an order that seed and epoch decide."""

    def __init__(self, *, pictures: int, batch_size: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(CLASSES, (pictures,), generator=generator)
        self.pixels = torch.randn(pictures, 1, 8, 8, generator=generator) / 2
        for index, label in enumerate(self.labels.tolist()):
            self.pixels[index, 0, label, :] += 2.0
        self.batch_size, self.images = batch_size, pictures
        self.steps = -(-pictures // batch_size)
        self.rows = np.arange(pictures)

    def epoch(self, epoch: int, start_step: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(epoch))
        for rows in order.split(self.batch_size)[start_step:]:
            images = self.pixels[rows].to(memory_format=torch.channels_last)
            yield images, self.labels[rows]

    def for_training(self, training: TrainingConfig) -> MemoryBatches:
        batches = copy.copy(self)
        batches.batch_size = training.batch_size
        batches.steps = -(-self.images // training.batch_size)
        return batches

    def close(self) -> None: ...


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors this small are only slowed down by a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def train() -> MemoryBatches:
    return MemoryBatches(pictures=90, batch_size=16, seed=1)


@pytest.fixture
def val() -> MemoryBatches:
    return MemoryBatches(pictures=40, batch_size=16, seed=2)


@pytest.fixture
def study_config() -> Callable[..., StudyConfig]:
    """A small study; keywords go to its training."""

    def build(**training: object) -> StudyConfig:
        return StudyConfig(
            name="small",
            data=DataConfig(source="unused", image_size=8, channels=1),
            model=DynamicCnnConfig(n_layers=2, n_filters=(4, 8), kernel_sizes=(3, 3), fc_size=16),
            training=TrainingConfig.model_validate(
                {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, **training}
            ),
            search=SearchConfig(budget=BudgetConfig(trials=1)),
        )

    return build


@pytest.fixture
def new_learner() -> Callable[..., Learner]:
    """Builds the seeded model of a study and what trains it; keywords go to the learner."""

    def build(config: StudyConfig, **options: object) -> Learner:
        torch.manual_seed(config.training.seed)
        model = build_model(config.model, channels=1, image_size=8, n_classes=CLASSES)
        return Learner(model, config.training.in_stages[0], device=torch.device("cpu"), **options)  # type: ignore[arg-type]

    return build


@pytest.fixture
def new_trial(
    study_config: Callable[..., StudyConfig],
    new_learner: Callable[..., Learner],
    train: Batches,
    val: Batches,
    tmp_path_factory: pytest.TempPathFactory,
) -> NewTrial:
    def build(batches: tuple[Batches, Batches] = (train, val), **training: object) -> Trial:
        directory = tmp_path_factory.mktemp("trial")
        return Trial(study_config(**training), directory, batches, new_learner)

    return build
