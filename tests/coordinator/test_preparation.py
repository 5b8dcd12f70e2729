"""What is said of a data set before it is trained on."""

from __future__ import annotations

from pathlib import Path

from coordinator.preparation import describe
from study.dataset import Converted, Duplicates, Quarantined
from tests.coordinator.conftest import PACKED

FILE = Path("/data/manifest.json")


def test_a_clean_data_set_is_one_line() -> None:
    assert describe(PACKED, FILE) == ["data: 2 pictures in 2 classes (ffffffffffff)"]


def test_findings_are_counted_with_the_file_that_lists_them() -> None:
    found = PACKED.model_copy(
        update={
            "quarantined": (Quarantined(name="wren/x.png", reason="zero bytes"),),
            "converted": (Converted(name="wren/b.png", change="CMYK to RGB"),) * 3,
            "duplicates": (
                Duplicates(names=("a", "b"), splits=("train",), classes=("finch",)),
                Duplicates(names=("c", "d"), splits=("train", "test"), classes=("finch", "wren")),
            ),
            "notes": ("wren has no picture in test",),
        }
    )
    assert describe(found, FILE)[1:] == [
        "  1 left out as unreadable, 3 converted, 2 with identical copies, "
        "1 with copies in another split, 1 with copies in another class: see /data/manifest.json",
        "  wren has no picture in test",
    ]
