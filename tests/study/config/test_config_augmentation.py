from __future__ import annotations

import json
import re
from pathlib import Path

from study.config.augmentation import AugmentationConfig
from study.config.leaves import leaves

DOCUMENT = Path(__file__).parents[3] / "docs/augmentation.md"


def test_every_augmentation_can_be_searched_over() -> None:
    names = leaves({})
    for field, default in AugmentationConfig().model_dump().items():
        path = f"training.augmentation.{field}"
        parts = [f"{path}.0", f"{path}.1"] if isinstance(default, tuple) else [path]
        assert set(parts) <= names.keys()


def test_the_table_of_augmentations_has_all_of_them_with_their_defaults() -> None:
    table = DOCUMENT.read_text().partition("## ")[0]
    told: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", table, flags=re.MULTILINE):
        values = re.split(r", (?![^\[]*\])", defaults)
        told |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))
    assert told == {
        field: written(default) for field, default in AugmentationConfig().model_dump().items()
    }


def written(default: object) -> str:
    if isinstance(default, tuple):
        return f"[{', '.join(str(round(value, 2)) for value in default)}]"
    return default if isinstance(default, str) else json.dumps(default)
