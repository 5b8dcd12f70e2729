"""Trees as they unpack: names alone say class and split."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import DataError
from study.layout import FILLERS, SPLIT_WORDS, split_of
from study.listing import Listing, list_tree

CLASSES = ("abraham", "bart", "lisa")


def listed(*files: str) -> Listing:
    return list_tree(files, [], where="here")


def told(listing: Listing) -> set[tuple[str, str | None]]:
    return {(entry.label, entry.split) for entry in listing.entries}


def of_each(folder: str, classes: Iterable[str] = CLASSES) -> list[str]:
    return [f"{folder}/{label}/{number}.jpg" for label in classes for number in range(2)]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("Train", "train"),
        ("TRAINING", "train"),
        ("training_set", "train"),
        ("seg_train", "train"),
        ("train2017", "train"),
        ("valid", "val"),
        ("Validations", "val"),
        ("validation_set", "val"),
        ("testset", "test"),
        ("Test-Images", "test"),
        ("tests", "test"),
        ("trainer", None),
        ("latest", None),
        ("test tube", None),
        ("train_test", None),
        ("images", None),
        ("2017", None),
        ("", None),
    ],
)
def test_a_name_stands_for_a_split(name: str, split: str | None) -> None:
    assert split_of(name) == split


@given(
    st.sampled_from(sorted(SPLIT_WORDS)),
    st.lists(st.sampled_from(sorted(FILLERS)), max_size=2),
    st.sampled_from(["_", "-", " ", "."]),
    st.booleans(),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.randoms(),
)
def test_case_plural_order_and_fillers_do_not_change_a_split(
    word: str, fillers: list[str], gap: str, plural: bool, case: object, random: object
) -> None:
    words = [word + "s" * plural, *fillers]
    random.shuffle(words)  # type: ignore[attr-defined]
    assert split_of(case(gap.join(words))) == SPLIT_WORDS[word]  # type: ignore[operator]


@given(st.text(max_size=20))
def test_any_name_is_a_split_or_none(name: str) -> None:
    assert split_of(name) in (None, "train", "val", "test")


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0."), min_size=1, max_size=8)
trees = st.lists(st.lists(names, min_size=1, max_size=5), max_size=12)


@given(trees)
def test_every_picture_of_any_tree_is_listed_once_told_of_or_the_tree_refused(
    paths: list[list[str]],
) -> None:
    files = ["/".join([*folders, f"{n}.png"]) for n, folders in enumerate(paths)]
    try:
        listing = listed(*files)
    except DataError:
        return
    used = [entry.name for entry in listing.entries]
    assert len(used) == len(set(used))
    assert set(used) <= set(files)
    assert len(used) == len(files) or listing.notes
    assert all(entry.label in entry.name.split("/") for entry in listing.entries)


@given(st.lists(names.filter(lambda name: split_of(name) is None), min_size=2, unique=True))
def test_classes_may_be_called_anything(labels: list[str]) -> None:
    visible = [label for label in labels if label != "__MACOSX"]
    listing = listed(*[f"{label}/1.jpg" for label in visible])
    assert set(listing.classes) == set(visible)


def test_inaturalist_unpacks_as_a_wrapper_over_train_and_val() -> None:
    listing = listed(*of_each("inaturalist_12K/train"), *of_each("inaturalist_12K/val"))
    assert told(listing) == {(label, split) for label in CLASSES for split in ("train", "val")}
    assert listing.notes == ()


def test_simpsons_hold_themselves_once_more_beside_unlabelled_pictures() -> None:
    listing = listed(
        *of_each("simpsons_dataset"),
        *of_each("simpsons_dataset/simpsons_dataset"),
        "kaggle_simpson_testset/kaggle_simpson_testset/bart_0.jpg",
        "kaggle_simpson_testset/kaggle_simpson_testset/lisa_0.jpg",
    )
    assert told(listing) == {(label, None) for label in CLASSES}
    assert len(listing.entries) == 6
    assert listing.notes == (
        "kaggle_simpson_testset/ has no class folders: 2 pictures are not used",
        "simpsons_dataset/simpsons_dataset/ repeats the folders beside it: 6 pictures are not used",
    )


def test_a_wrapper_of_the_same_name_is_looked_through() -> None:
    assert told(listed(*of_each("simpsons_dataset/simpsons_dataset"))) == {
        (label, None) for label in CLASSES
    }


def test_birds_unpack_as_doubled_sets() -> None:
    listing = listed(*of_each("training_set/training_set"), *of_each("validation_set"))
    assert told(listing) == {(label, split) for label in CLASSES for split in ("train", "val")}


def test_pictures_to_predict_are_left_out_beside_splits() -> None:
    listing = listed(
        *of_each("seg_train/seg_train"), *of_each("seg_test/seg_test"), "seg_pred/seg_pred/1.jpg"
    )
    assert {split for _, split in told(listing)} == {"train", "test"}
    assert listing.notes == ("seg_pred/ has no class folders: 1 pictures are not used",)


def test_an_unlabelled_test_folder_is_left_out() -> None:
    listing = listed(*of_each("Train"), "Test/1.jpg", "Test/2.jpg")
    assert {split for _, split in told(listing)} == {"train"}
    assert listing.notes == ("Test/ has no class folders: 2 pictures are not used",)


def test_what_is_no_split_beside_splits_is_told() -> None:
    listing = listed(*of_each("train"), *of_each("valid"), *of_each("consolidated"))
    assert len(listing.entries) == 12
    assert listing.notes == (
        "consolidated/ is neither train, val nor test: 6 pictures are not used",
    )


def test_pictures_under_images_belong_to_the_classes_below() -> None:
    assert told(listed(*of_each("train/images"), *of_each("val/images"))) == {
        (label, split) for label in CLASSES for split in ("train", "val")
    }


def test_classes_called_like_splits_are_classes_beside_others() -> None:
    assert set(listed("train/1.jpg", "bus/1.jpg", "test/1.jpg").classes) == {"train", "bus", "test"}


def test_a_picture_beside_the_wrapper_does_not_hide_its_classes() -> None:
    listing = listed("cover.jpg", *of_each("flowers"))
    assert set(listing.classes) == set(CLASSES)
    assert listing.notes == ("1 pictures lie outside of any class folder and are not used",)


def test_splits_without_class_folders_are_refused_with_the_way_out() -> None:
    with pytest.raises(DataError, match=r"train/ must hold a folder for each class, or a labels"):
        listed("train/1.jpg", "test/1.jpg")
