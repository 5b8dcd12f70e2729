"""How the trials of a study compute a step on one kind of machine, where the study leaves it open.

Decided once (deciding.py) and kept in a file that all workers of the study see, so that trials on
machines of the same kind, and a trial that was stopped and goes on, compute alike. Knows nothing of
how it is decided.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from pydantic import Field, ValidationError

from study.atomic import write_json
from study.config.identity import identity
from study.config.record import Record
from study.config.records import StudyConfig
from study.config.training import TrainingConfig
from study.lock import locked
from worker.kind import Kind
from worker.models.device import device_name
from worker.models.precision import Format, formats
from worker.training.compiler import missing

log = logging.getLogger(__name__)


class ComputingKind(Kind):
    """The threads are those of one trial."""

    formats: tuple[Format, ...]
    """Worth measuring on it; virtual machines give all their CPUs one name."""


class Decision(Record):
    """What `auto` means, and why."""

    kind: ComputingKind
    precision: Format
    compiled: bool
    reasons: tuple[str, ...]
    steps: int = 0
    """Of the trial in the middle of the space, in one fold."""
    step_seconds: Mapping[str, tuple[float, ...]] = Field(default_factory=dict)
    """By way of computing it, a value for each round."""
    compile_seconds: float | None = None
    """None where nothing was compiled."""


class Attempt:
    """The decision that a process is about, told by a file: one that dies of it leaves the file."""

    def __init__(self) -> None:
        self._file: Path | None = None

    def begin(self, file: Path) -> bool:
        """Whether another one has died of it. Raises OSError."""
        died = file.exists()
        file.touch()
        self._file = file
        return died

    def end(self) -> None:
        """Nobody dies of it: it is made, or the process was told to stop. From any thread."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def kept(
    file: Path, attempt: Attempt, decide: Callable[[], Decision], otherwise: Decision
) -> Decision:
    """What the file says; where it is missing, what is decided now. Another process that decides is
    waited for: measured beside it, both would be wrong. Where one has died of it, `otherwise` is
    decided: it must not end all that come after it. Raises OSError."""
    if (found := _read(file)) is not None:
        return found
    with locked(file.with_suffix(".lock")):
        if (found := _read(file)) is not None:
            return found
        died = attempt.begin(file.with_suffix(".begun"))
        decision = otherwise if died else decide()
        write_json(file, decision.model_dump(mode="json"))
        attempt.end()
    log.info("a step: %s: %s", _named(decision), "; ".join(decision.reasons))
    return decision


def made(file: Path, kind: ComputingKind) -> Decision | None:
    """What workers of that kind have decided, or with other threads: with the nearest number. None:
    nothing yet. file: of the kind."""
    found = [decision for path in sorted(file.parent.glob("*.json")) if (decision := _read(path))]
    alike = [
        each for each in found if each.kind.model_copy(update={"threads": kind.threads}) == kind
    ]
    return min(alike, key=lambda each: abs(each.kind.threads - kind.threads), default=None)


def settled(config: StudyConfig, decision: Decision, device: torch.device) -> StudyConfig:
    """A trial's configuration with nothing left open. A machine of the kind on which nothing can be
    compiled compiles nothing."""
    training = config.training
    stages = tuple(
        stage.model_copy(update={"precision": decision.precision})
        if stage.precision == "auto"
        else stage
        for stage in training.stages
    )
    update: dict[str, object] = {"stages": stages}
    if training.precision == "auto":
        update["precision"] = decision.precision
    if training.compile == "auto":
        compiles = decision.compiled and missing(device) is None
        update["compile"] = "always" if compiles else "never"
    return config.model_copy(update={"training": training.model_copy(update=update)})


def is_open(training: TrainingConfig) -> bool:
    """Whether it leaves anything to be decided."""
    said = (stage.precision for stage in training.in_stages)
    return training.compile == "auto" or "auto" in said


def kind_of(study: StudyConfig, device: torch.device, threads: int) -> ComputingKind:
    """Of this machine, for the study."""
    return ComputingKind(
        study=identity(study),
        device=device_name(device),
        formats=formats(device),
        threads=threads,
        torch=torch.__version__,
    )


def _read(file: Path) -> Decision | None:
    try:
        return Decision.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        log.warning("%s: not a decision, which is made anew: %s", file, error)
        return None


def _named(decision: Decision) -> str:
    return f"{decision.precision}, {'compiled' if decision.compiled else 'not compiled'}"
