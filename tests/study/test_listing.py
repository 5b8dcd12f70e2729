from __future__ import annotations

import pytest

from study.errors import DataError
from study.listing import Entry, is_picture, list_tree


def names(files: list[str], folders: list[str] | None = None) -> list[Entry]:
    return list(list_tree(files, folders or [], where="here").entries)


def test_class_folders_give_the_labels() -> None:
    assert names(["rose/b.jpg", "daisy/a.png"]) == [
        Entry("daisy/a.png", "daisy"),
        Entry("rose/b.jpg", "rose"),
    ]


@pytest.mark.parametrize("above", ["", "flowers/", "a/b/"])
def test_a_lone_top_folder_is_looked_through(above: str) -> None:
    assert [e.label for e in names([f"{above}daisy/1.jpg", f"{above}rose/1.jpg"])] == [
        "daisy",
        "rose",
    ]


@pytest.mark.parametrize("above", ["", "flowers/"])
@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_split_folders_above_the_classes_give_the_splits(above: str, val: str) -> None:
    found = names([f"{above}{top}/rose/1.jpg" for top in ("train", val, "test")])
    assert sorted((e.label, e.split or "") for e in found) == [
        ("rose", "test"),
        ("rose", "train"),
        ("rose", "val"),
    ]


def test_train_alone_is_a_split_folder() -> None:
    found = names(["train/rose/1.jpg", "train/daisy/1.jpg"])
    assert {(e.label, e.split) for e in found} == {("rose", "train"), ("daisy", "train")}


def test_split_folders_without_train_are_refused() -> None:
    with pytest.raises(DataError, match=r"here: split folders need train/ .* got test, val"):
        names(["val/rose/1.jpg", "test/rose/1.jpg"])


def test_folders_inside_a_class_belong_to_the_class() -> None:
    assert {e.label for e in names(["rose/red/1.jpg", "daisy/1.jpg"])} == {"rose", "daisy"}


@pytest.mark.parametrize(
    "name",
    ["rose/.hidden.jpg", ".git/a.png", "__MACOSX/rose/a.jpg", "rose/Thumbs.db", "rose/README"],
)
def test_hidden_and_other_files_are_no_pictures(name: str) -> None:
    assert not is_picture(name)


def test_an_empty_class_folder_is_named() -> None:
    with pytest.raises(DataError, match=r"every class folder must hold pictures, tulip has none"):
        names(["rose/1.jpg", "daisy/1.jpg"], ["rose", "daisy", "tulip"])


def test_pictures_outside_of_class_folders_are_counted() -> None:
    listing = list_tree(["cover.jpg", "rose/1.jpg", "daisy/1.jpg"], [], where="here")
    assert len(listing.entries) == 2
    assert listing.notes == ("1 pictures lie outside of any class folder and are not used",)
