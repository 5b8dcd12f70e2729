"""A study of one trial: nothing is searched, every value is given.

Knows nothing of where it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from study.config.dump import dump
from study.config.fill import fill
from study.config.load import find_study, load_study, read_study
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.config.search import BudgetConfig, PrunerConfig
from study.errors import UsageError, one_line

LONGEST_NAME = 50  # letters; of constraints.StudyName


def single_run(
    config: StudyConfig, *, name: str, parameters: Mapping[str, Scalar | None] | None = None
) -> StudyConfig:
    """The study `name` that trains once, as `config` says, with a trial's `parameters` in their
    places. Raises Infeasible where they do not fit."""
    filled = config if parameters is None else fill(config, parameters)
    search = filled.search.model_copy(
        update={
            "budget": BudgetConfig(trials=1),
            "pruner": PrunerConfig(name="none"),  # there is nothing to compare it with
            "warm_start": (),
        }
    )
    return filled.model_copy(update={"name": name, "space": {}, "search": search})


def given(study: str, overrides: Sequence[str]) -> StudyConfig:
    """The configuration of a study in configs/ or a file, for a run without a search. Raises
    UsageError."""
    _check(overrides)
    return load_study(find_study(study), overrides)


def given_again(
    config: StudyConfig, parameters: Mapping[str, Scalar | None], overrides: Sequence[str]
) -> StudyConfig:
    """The same of a known study, with the parameters of one of its trials; overrides come last."""
    _check(overrides)
    filled = single_run(config, name=config.name, parameters=parameters)
    return read_study(dump(filled).encode(), Path(f"{config.name}.yaml"), overrides)


def next_name(study: str, taken: Collection[str]) -> str:
    """`birds-train-3`, where two runs of the study birds are known."""
    number = 1
    while (name := _numbered(study, number)) in taken:
        number += 1
    return name


def _numbered(study: str, number: int) -> str:
    end = f"-train-{number}"
    return f"{study[: LONGEST_NAME - len(end)].rstrip('-')}{end}"


def _check(overrides: Sequence[str]) -> None:
    """Raises UsageError for what a run without a search would pass over."""
    for override in overrides:
        key = override.partition("=")[0].strip()
        if key == "space" or key.startswith(("space.", "search.budget", "search.pruner")):
            raise UsageError(
                one_line(
                    f"train searches nothing, so {key!r} would change nothing: "
                    "name values of data, model and training, or use submit"
                )
            )
