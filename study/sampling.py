"""Who proposes parameters and who ends hopeless trials: Optuna's samplers and pruners, built from
the configuration, and a trial's parameters asked of them.

Knows nothing of leases and of how a trial is trained.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import cast

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from study.config.fill import active
from study.config.parameters import CategoricalParameter, Parameter, Scalar
from study.config.records import StudyConfig
from study.config.search import PrunerConfig, SamplerConfig
from study.errors import LeaseLost
from study.lesson import Lesson
from study.proposal import Proposal

STRIDE = 1_000_003  # a prime: seeds of neighbouring studies and trials never meet
WARMUP_SHARE = 0.2  # of a trial's epochs; more cost epochs and found nothing better, measured


def build_sampler(config: SamplerConfig, *, trial: int) -> BaseSampler:
    """The sampler for one trial. Its random stream depends on the seed and the trial's number
    alone, not on which worker asks; what it proposes also on the trials finished by then."""
    seed = (config.seed * STRIDE + trial) % 2**32
    if config.name == "tpe":
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=config.startup_trials)
    if config.name == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=config.population)
    if config.name == "qmc":
        with warnings.catch_warnings():
            # "experimental" since Optuna 3.0; the interface has stayed
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # all workers must share one sequence, so its seed is the study's
            return optuna.samplers.QMCSampler(
                seed=config.seed,
                scramble=True,
                independent_sampler=optuna.samplers.RandomSampler(seed),
            )
    return optuna.samplers.RandomSampler(seed=seed)


def build_pruner(config: PrunerConfig, *, epochs: int) -> BasePruner:
    """The pruner of the study. epochs: of a trial that is not ended early."""
    if config.name in ("none", "asha"):  # asha's verdicts are the ledger's, see halving.py
        return optuna.pruners.NopPruner()
    if config.name == "wilcoxon":
        with warnings.catch_warnings():
            # "experimental" since Optuna 3.6; the interface has stayed
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.pruners.WilcoxonPruner(p_threshold=config.p_threshold)
    if config.name == "successive_halving":
        return SuccessiveHalvingPruner(
            min_resource=config.min_epochs, reduction_factor=config.reduction_factor
        )
    if config.name == "hyperband":
        return HyperbandPruner(
            min_resource=config.min_epochs,
            max_resource=epochs,
            reduction_factor=config.reduction_factor,
        )
    warmup = config.warmup_epochs
    return optuna.pruners.PercentilePruner(
        50.0 if config.name == "median" else config.percentile,
        n_startup_trials=config.startup_trials,
        n_warmup_steps=math.ceil(WARMUP_SHARE * epochs) if warmup is None else warmup,
    )


def ask(
    study: optuna.Study,
    trial_id: int,
    config: StudyConfig,
    told: Mapping[int, float] = MappingProxyType({}),
) -> dict[str, Scalar | None]:
    """The parameters of a RUNNING trial: those it has are read, those it lacks are sampled and
    stored. Repeating it after an interruption gives the same trial the same values.

    told: values of trials that are about to end, by id: the sampler learns from them already.
    Raises LeaseLost where the trial has ended or was deleted.
    """
    with _of_a_running_trial(trial_id):
        study.get_trials(deepcopy=False)  # Optuna's cache must have seen the trial, made by our SQL
        if told or config.search.pruner.name == "asha":
            study = Lesson(study, told)
        while True:
            trial = optuna.trial.Trial(study, trial_id)
            proposal = Proposal(trial.storage)
            trial.storage = cast(BaseStorage, proposal)
            chosen = _choose(trial, config)
            proposal.store(trial_id)
            frozen = study._storage.get_trial(trial_id)
            if frozen.state.is_finished():
                raise optuna.exceptions.UpdateFinishedTrialError
            # a holder of before that wakes up late may have stored others, and the first ones stay
            stored = frozen.params
            if all(name in stored and stored[name] == value for name, value in chosen.items()):
                return chosen


def should_prune(study: optuna.Study, trial_id: int) -> bool:
    """Whether the trial's newest intermediate value is hopeless. Raises LeaseLost where the trial
    has ended or was deleted."""
    with _of_a_running_trial(trial_id):
        return study.pruner.prune(study, _counted(study.pruner, study._storage.get_trial(trial_id)))


def _counted(pruner: BasePruner, trial: FrozenTrial) -> FrozenTrial:
    """The trial as the pruner counts: rungs are at numbers of epochs, steps begin at 0."""
    if not isinstance(pruner, SuccessiveHalvingPruner | HyperbandPruner):
        return trial
    counted = copy.copy(trial)
    values = trial.intermediate_values
    counted.intermediate_values = {step + 1: value for step, value in values.items()}
    return counted


@contextmanager
def _of_a_running_trial(trial_id: int) -> Iterator[None]:
    """Optuna's words for a trial that is no longer this worker's, in ours."""
    try:
        yield
    except (KeyError, optuna.exceptions.UpdateFinishedTrialError) as error:
        raise LeaseLost(f"the trial with id {trial_id} has ended or was deleted") from error


def _choose(trial: optuna.Trial, config: StudyConfig) -> dict[str, Scalar | None]:
    chosen: dict[str, Scalar | None] = {}
    for name, parameter in config.space.items():
        if active(parameter, chosen):
            chosen[name] = _suggest(trial, name, parameter)
    return chosen


def _suggest(trial: optuna.Trial, name: str, parameter: Parameter) -> Scalar | None:
    if isinstance(parameter, CategoricalParameter):
        choice: Scalar | None = trial.suggest_categorical(name, parameter.choices)
        return choice
    if parameter.type == "int":
        return trial.suggest_int(
            name, parameter.low, parameter.high, step=parameter.step, log=parameter.log
        )
    return trial.suggest_float(
        name, parameter.low, parameter.high, step=parameter.step, log=parameter.log
    )
