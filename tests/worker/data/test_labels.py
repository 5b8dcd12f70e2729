"""Labels from lists that lie among the pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import DataError
from tests.worker.data.pictures import png, write_tree, write_zip
from worker.data.source import open_source

PICTURES = {f"images/{number}.png": png(number) for number in range(4)}
LABELS = "id,breed\n0,pug\n1,pug\n2,boxer\n3,boxer\n"


def labels(folder: Path, files: dict[str, str | bytes]) -> set[tuple[str, str, str | None]]:
    tree = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
    source = open_source(write_tree(folder, tree))
    return {(entry.name, entry.label, entry.split) for entry in source.listing().entries}


@pytest.mark.parametrize("name", ["labels.csv", "train.csv", "Training_Labels.csv"])
@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_a_list_beside_a_folder_of_images_labels_them(name: str, kind: str, tmp_path: Path) -> None:
    files = {f"dogs/{n}": content for n, content in {**PICTURES, name: LABELS.encode()}.items()}
    path = write_zip(tmp_path / "f.zip", files)
    if kind == "folder":
        path = write_tree(tmp_path / "f", files)
    listing = open_source(path).listing()
    assert [(entry.name[-5:], entry.label) for entry in listing.entries] == [
        ("0.png", "pug"),
        ("1.png", "pug"),
        ("2.png", "boxer"),
        ("3.png", "boxer"),
    ]
    assert listing.notes == (f"labels are those of dogs/{name}",)


def test_pictures_of_a_competition_are_those_of_its_list(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "train.csv": "image_id,label\n0.png,pug\n1.png,boxer\n",
        "test.csv": "image_id\n0.png\n",
        "sample_submission.csv": "image_id,label\n0.png,pug\n",
        **{
            f"{split}_images/{number}.png": png(number)
            for split in ("train", "test")
            for number in range(2)
        },
    }
    assert labels(tmp_path, files) == {
        ("train_images/0.png", "pug", "train"),
        ("train_images/1.png", "boxer", "train"),
    }
    assert "2 pictures are in no list" in open_source(tmp_path).listing().notes[1]


def test_each_list_is_a_split(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        **PICTURES,
        "train.csv": "filename,label\n0.png,pug\n1.png,boxer\n",
        "val.csv": "filename,label\n2.png,pug\n3.png,boxer\n",
    }
    assert {split for _, _, split in labels(tmp_path, files)} == {"train", "val"}


def test_class_folders_come_before_a_list(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a/1.png": b"", "b/1.png": b"", "labels.csv": LABELS}
    assert {label for _, label, _ in labels(tmp_path, files)} == {"a", "b"}


def test_a_changed_list_gives_another_fingerprint(tmp_path: Path) -> None:
    write_tree(tmp_path, {**PICTURES, "labels.csv": LABELS.encode()})
    before = open_source(tmp_path).fingerprint()
    (tmp_path / "labels.csv").write_text(LABELS + "9,pug\n")
    assert open_source(tmp_path).fingerprint() != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,c\n1,2,3\n", r"labels\.csv: a list needs a column of names .* got a, b, c"),
        ("", r"labels\.csv: a list needs a column of names .* got none"),
        ("id,breed\n0,\n", r"labels\.csv:2: id or breed is empty"),
        ("id,breed\n0,pug\n0,boxer\n", r"a picture has one label, '0' has 'pug' and 'boxer'"),
    ],
)
def test_a_mistake_in_a_list_names_it(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        labels(tmp_path, {**PICTURES, "labels.csv": text})


def test_a_name_that_may_be_two_pictures_is_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a/0.png": b"", "a/b/0.png": b"", "labels.csv": LABELS}
    with pytest.raises(DataError, match=r"'0' may be a/0\.png or a/b/0\.png: give its whole path"):
        labels(tmp_path, files)
