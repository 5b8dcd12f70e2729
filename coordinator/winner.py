"""The best trial of a study as a configuration of its own: its parameters in their places, nothing
searched, and a few lines on where they come from.

Knows nothing of how the best one is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from coordinator.single_run import single_run
from study import atomic
from study.config.constraints import StudyName
from study.config.dump import dump
from study.config.parameters import Scalar
from study.config.records import StudyConfig
from study.config.wording import rule_of, shown
from study.errors import UsageError, one_line


@dataclass(frozen=True, kw_only=True)
class Winner:
    """What is known of the best trial."""

    config: StudyConfig
    """Of its study."""
    number: int
    value: float
    parameters: dict[str, Scalar | None]
    of: int
    """Trials that came to an end."""

    def text(self, name: str, *, folder: Path | None = None) -> str:
        """YAML of the study `name`. folder: where it will be; pictures in it get a relative path,
        so that both can be moved together."""
        config = single_run(self.config, name=name, parameters=self.parameters)
        source = Path(config.data.source)
        if folder is not None and source.is_relative_to(folder):
            data = {"source": str(source.relative_to(folder))}
            config = config.model_copy(update={"data": config.data.model_copy(update=data)})
        return "".join(f"# {line}\n" for line in self._origin()) + dump(config)

    def write(self, target: Path, *, force: bool) -> None:
        """Makes `target` that file; its stem becomes the study's name. Raises UsageError where
        there is one already, unless `force`, and for a name no study can have."""
        name = _name(target)
        if target.exists() and not force:
            raise UsageError(
                one_line(f"{target}: exists; another name, or --force to write over it")
            )
        atomic.write_text(target, self.text(name, folder=target.absolute().parent))

    def _origin(self) -> list[str]:
        metric, study = self.config.search.metric, self.config.name
        lines = [
            f"The best of study {study}: trial {self.number} of {self.of}, "
            f"validation {metric} {self.value:.4f}.",
        ]
        if self.parameters:
            lines.append("Found by the search, and filled in below:")
        return lines + [f"  {path}: {shown(value)}" for path, value in self.parameters.items()]


def _name(target: Path) -> str:
    if target.suffix not in (".yaml", ".yml"):
        raise UsageError(one_line(f"--write must name a .yaml file, got {target}"))
    try:
        return TypeAdapter(StudyName).validate_python(target.stem)
    except ValidationError as error:
        raise UsageError(f"--write: the file's name is the study's: {rule_of(error)}") from error
