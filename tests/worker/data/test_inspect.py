"""What `hpo data inspect` finds, shows and draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from study.config.data import DataConfig
from tests.worker.data.conftest import Pack
from tests.worker.data.pictures import encoded, flowers, png, write_tree, write_zip
from tests.worker.data.test_alike import scene
from worker.data.inspect import inspect
from worker.data.store import Store
from worker.data.survey import Survey
from worker.data.survey_table import class_table, lines


def leaking() -> dict[str, bytes]:
    """Two classes of four and six scenes; two of them are in the test split once more: one as the
    same file, one compressed."""
    files = {
        f"{split}/{label}/{n}.png": encoded(scene(100 * len(label) + 10 * len(split) + n))
        for split, count in (("train", 6), ("test", 2))
        for label in ("daisy", "rose")
        for n in range(count)
    }
    again = scene(100 * len("rose") + 10 * len("train"))
    return files | {
        "test/rose/copy.png": files["train/rose/1.png"],
        "test/daisy/near.jpg": encoded(again, "JPEG", quality=50),
        "train/rose/broken.png": png(3)[:60],
        "train/rose/gray.png": encoded(scene(7).convert("L")),
    }


def looked_at(store: Store, output: Path) -> Survey:
    config = DataConfig(source=store.manifest.source, image_size=16)
    return inspect(store, config, output, threads=2, advance=lambda _: None)


@pytest.fixture
def store(pack: Pack, tmp_path: Path) -> Store:
    return pack(write_zip(tmp_path / "f.zip", leaking()), split={"val": 0.2})


def test_counts_sizes_and_formats_are_those_of_the_files(store: Store, tmp_path: Path) -> None:
    found = looked_at(store, tmp_path / "out")
    assert found.classes == ("daisy", "rose")
    assert {split: sum(counts) for split, counts in found.counts.items()} == {
        "train": 11,
        "val": 2,
        "test": 6,
    }
    assert found.sizes is not None
    assert found.sizes.formats == {"PNG RGB": 18, "JPEG RGB": 1, "PNG L": 1}
    assert (found.sizes.width.least, found.sizes.height.most) == (40, 96)
    assert [file.name for file in found.quarantined] == ["train/rose/broken.png"]
    assert [file.change for file in found.converted] == ["gray to RGB"]


def test_the_same_picture_in_two_splits_is_a_leak_however_it_was_saved(
    store: Store, tmp_path: Path
) -> None:
    found = looked_at(store, tmp_path / "out")
    (copy,) = found.identical
    assert copy.names == ("test/rose/copy.png", "train/rose/1.png")
    (near,) = found.near
    assert near.names == ("test/daisy/near.jpg", "train/rose/0.png")
    assert near.classes == ("daisy", "rose")
    assert copy.is_leak
    assert near.is_leak


def test_what_is_found_is_written_and_drawn(store: Store, tmp_path: Path) -> None:
    found = looked_at(store, tmp_path / "out")
    written = json.loads((tmp_path / "out/inspect.json").read_text())
    assert Survey.model_validate_json(json.dumps(written)) == found
    for name in ("counts.png", "sizes.png", "duplicates.png"):
        with Image.open(tmp_path / "out" / name) as figure:
            assert np.asarray(figure.convert("L")).std() > 5


def test_a_data_set_without_duplicates_is_drawn_too(pack: Pack, tmp_path: Path) -> None:
    files = {
        f"{label}/{n}.png": encoded(scene(10 * i + n).convert("L"))
        for i, label in enumerate("ab")
        for n in range(4)
    }
    found = looked_at(pack(write_tree(tmp_path / "f", files), channels=1), tmp_path / "out")
    assert (found.identical, found.near, found.similar) == ((), (), None)
    assert (tmp_path / "out/duplicates.png").stat().st_size > 0


def test_a_person_is_shown_counts_and_leaks(store: Store, tmp_path: Path) -> None:
    found = looked_at(store, tmp_path / "out")
    console = Console(width=100, record=True, file=(tmp_path / "shown").open("w"))
    console.print(class_table(found))
    shown = console.export_text() + "\n".join(lines(found))
    console.file.close()
    assert "identical files: 1 sets of 2 pictures, 1 across splits, 0 across classes" in shown
    assert "leak between train and test: test/daisy/near.jpg, train/rose/0.png" in shown
    assert "train/rose/broken.png: " in shown
    assert "19" in shown


def test_of_many_classes_the_largest_and_smallest_are_shown(pack: Pack, tmp_path: Path) -> None:
    files = flowers(2, classes=tuple(f"class{number:02d}" for number in range(70)))
    files |= {"class69/more.png": png(5)}
    found = looked_at(pack(write_tree(tmp_path / "f", files), image_size=8), tmp_path / "out")
    table = class_table(found)
    assert table.row_count == 42
    assert next(iter(table.columns[0].cells)) == "class69"
