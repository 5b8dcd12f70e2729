from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from bench.machine import describe
from bench.pictures import PHOTOGRAPH, extract, given_or_made_up
from tests.pictures import draw_classes


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HPO_HOME", str(tmp_path / "home"))
    return tmp_path


def test_made_up_pictures_are_made_once_and_are_the_same_for_everybody(home: Path) -> None:
    archive = given_or_made_up(None, per_class=2)
    content, written = archive.read_bytes(), archive.stat().st_mtime_ns
    assert given_or_made_up(None, per_class=2).stat().st_mtime_ns == written
    files = extract(archive, home / "files")
    found = sorted(file.relative_to(files).as_posix() for file in files.rglob("*.jpg"))
    assert found == [f"class-{label}/{n:05d}.jpg" for label in range(3) for n in range(2)]
    archive.unlink()
    extract(given_or_made_up(None, per_class=2), home / "again")
    assert [(home / "again" / name).read_bytes() for name in found] == [
        (files / name).read_bytes() for name in found
    ]
    assert len(content) > 6 * 2000


def test_pictures_that_are_given_are_taken(tmp_path: Path) -> None:
    assert given_or_made_up(tmp_path) == tmp_path


def test_of_each_class_one_in_so_many_validates(tmp_path: Path) -> None:
    pictures = draw_classes(tmp_path / "given", classes=2, per_class=10)
    files = extract(pictures, tmp_path / "files", limit=6, val_every=3)
    counts = {
        split: [len(list(folder.iterdir())) for folder in sorted((files / split).iterdir())]
        for split in ("train", "val")
    }
    assert counts == {"train": [4, 4], "val": [2, 2]}


def test_photographs_are_pictures_enlarged_to_their_size(tmp_path: Path) -> None:
    pictures = draw_classes(tmp_path / "given", classes=2, per_class=1)
    files = extract(pictures, tmp_path / "files", enlarge=True)
    for name in ("class-0/00000.jpg", "class-1/00000.jpg"):
        with Image.open(files / name) as picture:
            assert (picture.format, picture.size) == ("JPEG", (PHOTOGRAPH, PHOTOGRAPH))


def test_a_machine_is_described_alike_each_time() -> None:
    assert describe() == describe()
    assert describe()["packages"]["torch"]
