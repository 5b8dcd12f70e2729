"""Values of `training` that no part of a trial reads, because every stage names its own.

`training.epochs=2` of a study in stages would change nothing, and the person who wrote it would
wait for all epochs of all stages. Knows nothing of how a stage is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator

from study.config.document import COMMAND_LINE, Document, Mistake
from study.config.record import default
from study.config.records import StudyConfig
from study.config.stage import StageConfig
from study.config.training import TrainingConfig
from study.config.wording import shown

_KEPT = "training.stages=[] leaves the stages out"


def check_shadowed(document: Document, config: StudyConfig) -> Iterator[Mistake]:
    """Such values where a person wrote them: on the command line, in the space, or in the file.

    A default that is spelled out in a file, as `dump` does, is none.
    """
    training = document.values.get("training") or {}
    for name in _said_by_all(config.training):
        path = ("training", name)
        rule = _rule(name, config.training)
        by_hand = document.line(path) == COMMAND_LINE
        said = getattr(config.training, name)
        if name in training and (by_hand or said != default(TrainingConfig, name)):
            yield Mistake(path, f"{rule}, got {shown(training[name])}")
        for parameter in config.space:
            if parameter == f"training.{name}" or parameter.startswith(f"training.{name}."):
                yield Mistake(("space", parameter), rule)


def _said_by_all(training: TrainingConfig) -> list[str]:
    """Fields that every stage says otherwise; none where there are no stages."""
    if not training.stages:
        return []
    shared = StageConfig.model_fields.keys() & TrainingConfig.model_fields.keys()
    return sorted(
        name
        for name in shared
        if all(getattr(stage, name) is not None for stage in training.stages)
    )


def _rule(name: str, training: TrainingConfig) -> str:
    own = " ".join(f"training.stages.{index}.{name}" for index in range(len(training.stages)))
    return f"has no effect, every stage has its own: {own}; or {_KEPT}"
