"""Decides by measuring how a study's trials compute a step on this machine.

The trial in the middle of the space is measured, with its batch: the number formats where that is a
small part of one trial, and a compiled step where the trial is long enough for it to pay. Knows
nothing of where the decision is kept (decision.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from study.config.fill import fill
from study.config.middle import middle
from study.config.records import StudyConfig
from study.errors import one_line
from worker.data.store import Store
from worker.diagnosis import diagnose
from worker.models.precision import Format, formats
from worker.step.decision import Decision, kind_of
from worker.step.payoff import could_pay, pays, quickest, total_seconds, worth_measuring
from worker.step.way import ROUNDS, TURN_SECONDS, WARM_STEPS, Way, in_turns
from worker.training.compiler import bring_in, missing

# Until it is measured: the second is what fused kernels and graphs bring at best, the first what
# they cost a process that finds nothing in the cache (bench/step.py).
COMPILE_SECONDS = {"cpu": 40.0, "cuda": 40.0}
AT_BEST = {"cpu": 1.3, "cuda": 2.0}


@dataclass(frozen=True)
class Middle:
    """What is measured."""

    config: StudyConfig
    """Of the trial in the middle of the space, its longest stage as if it were the whole."""
    steps: int
    """Of the whole trial, in one fold."""
    store: Store
    device: torch.device

    def way(self, precision: Format, *, compiled: bool = False) -> Way:
        """In one way. Raises what training does."""
        return Way(self.config, self.store, self.device, precision=precision, compiled=compiled)


def decide(study: StudyConfig, store: Store, device: torch.device, threads: int) -> Decision:
    """Measures for a second or two, and where compiling may pay as long as that takes. Whatever
    goes wrong, what the device suggests remains."""
    decision = suggested(study, device, threads)
    try:
        trial = _middle(study, store, device)
        decision, plain = _with_format(decision, trial)
        return _with_compilation(decision, trial, plain)
    except Exception as error:  # a model that the search never picks may raise anything
        return _because(decision, f"not measured: {diagnose(error).reason}")


def suggested(study: StudyConfig, device: torch.device, threads: int, *reasons: str) -> Decision:
    """What the device suggests, with nothing measured."""
    return Decision(
        kind=kind_of(study, device, threads),
        precision=formats(device)[0],
        compiled=False,
        reasons=reasons,
    )


def _middle(study: StudyConfig, store: Store, device: torch.device) -> Middle:
    config = fill(study, middle(study.space))
    part = store.fold(0) if config.data.split.folds else store
    pictures = part.split("train").size
    stages = config.training.in_stages
    lengths = [stage.epochs * max(1, pictures // stage.batch_size) for stage in stages]
    longest = stages[lengths.index(max(lengths))]
    whole = config.model_copy(update={"training": longest})
    return Middle(whole, sum(lengths), part, device)


def _with_format(decision: Decision, trial: Middle) -> tuple[Decision, Way]:
    """With the number format, unless the study says it, and how quick steps are in it."""
    said, names = trial.config.training.precision, formats(trial.device)
    first: Format = decision.precision if said == "auto" else said
    plain = trial.way(first)
    decision = decision.model_copy(
        update={"steps": trial.steps, "step_seconds": {first: (plain.step_seconds,)}}
    )
    if said != "auto":
        return _because(decision, f"training.precision={said}"), plain
    if len(names) == 1:
        return _because(decision, f"{first} is all this device computes in quickly"), plain
    measuring = len(names) * (WARM_STEPS + ROUNDS) * max(TURN_SECONDS, plain.step_seconds)
    if not worth_measuring(trial.steps, plain.step_seconds, measuring):
        seconds = total_seconds(trial.steps, plain.step_seconds)
        reason = f"{first} is suggested, and a trial of {seconds:.0f} s not worth measuring for"
        return _because(decision, reason), plain
    ways = {name: plain if name == first else trial.way(name) for name in names}
    rounds = in_turns(ways)
    best = quickest(first, rounds)
    update = {"precision": best, "step_seconds": rounds}
    return _because(decision.model_copy(update=update), _compared(rounds)), ways[best]


def _with_compilation(decision: Decision, trial: Middle, plain: Way) -> Decision:
    """With whether to compile, unless the study says it."""
    said, kind = trial.config.training.compile, trial.device.type
    if said != "auto":
        return _because(decision, f"training.compile={said}")
    if lacking := missing(trial.device):
        return _because(decision, f"without {lacking} nothing can be compiled")
    quick = median(decision.step_seconds[plain.precision])
    if not could_pay(trial.steps, quick, AT_BEST[kind], COMPILE_SECONDS[kind]):
        whole = total_seconds(trial.steps, quick)
        return _because(decision, f"compiling cannot pay within a trial of {whole:.0f} s")
    try:
        bring_in()  # which does not count: processes of compiled trials do it before they have one
        fused = trial.way(plain.precision, compiled=True)
        compile_seconds = max(0.0, fused.warm_up_seconds - WARM_STEPS * fused.step_seconds)
        name = f"{plain.precision}, compiled"
        rounds = in_turns({plain.precision: plain, name: fused})
    except Exception as error:  # whatever its compilers raise
        return _because(decision, f"cannot be compiled: {diagnose(error).reason}")
    finally:
        torch.compiler.reset()
    before, after = median(rounds[plain.precision]), median(rounds[name])
    update = {
        "compiled": pays(trial.steps, before, after, compile_seconds),
        "step_seconds": {**decision.step_seconds, **rounds},
        "compile_seconds": compile_seconds,
    }
    reason = f"{_compared(rounds)} and {compile_seconds:.1f} s to compile, {trial.steps} steps"
    return _because(decision.model_copy(update=update), reason)


def _compared(
    rounds: Mapping[str, Sequence[float]] | Mapping[Format, Sequence[float]],
) -> str:
    return ", ".join(
        f"{1000 * median(seconds):,.1f} ms a step in {name}" for name, seconds in rounds.items()
    )


def _because(decision: Decision, reason: str) -> Decision:
    return decision.model_copy(update={"reasons": (*decision.reasons, one_line(reason))})
