"""What `resume` may change of a study that was submitted: all but what decides results.

Knows nothing of where the study is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from study.config.dump import dump
from study.config.identity import differences
from study.config.load import read_study
from study.config.records import StudyConfig
from study.errors import StudyExists


def changed(config: StudyConfig, overrides: Sequence[str]) -> StudyConfig:
    """A stored configuration with overrides. Raises ConfigError for a wrong one, StudyExists for
    one that would make it another study."""
    new = read_study(dump(config).encode(), Path(f"{config.name}.yaml"), overrides)
    if lines := differences(config, new):
        raise StudyExists(
            f"resume cannot change study {config.name!r} ({'; '.join(lines)}), only its budget, "
            "resources and where its pictures are; submit under another name with name=..."
        )
    return new
