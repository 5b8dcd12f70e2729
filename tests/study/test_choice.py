"""Which of a source's pictures a study uses."""

from __future__ import annotations

import pytest

from study.choice import choose
from study.config.data import DataConfig
from study.dataset import Split
from study.errors import DataError
from study.listing import Entry, Listing


def source(*, splits: tuple[Split | None, ...] = (None,), **counts: int) -> Listing:
    return Listing(
        tuple(
            Entry(f"{split}/{label}/{n}.png", label, split)
            for split in splits
            for label, count in counts.items()
            for n in range(count)
        )
    )


def chosen(listing: Listing, **settings: object) -> Listing:
    config = DataConfig.model_validate({"source": "x", "image_size": 16, **settings})
    return choose(listing, config, where="here")


def test_without_a_choice_all_pictures_are_used() -> None:
    listing = source(bart=3, lisa=2)
    assert chosen(listing) == listing


def test_named_classes_are_kept_and_the_others_told_of() -> None:
    found = chosen(source(bart=3, homer=4, lisa=2), classes=["lisa", "bart"])
    assert found.classes == ("bart", "lisa")
    assert found.notes == ("data.classes leaves out 1 of 3 classes",)


def test_a_number_keeps_the_largest_classes() -> None:
    found = chosen(source(bart=3, homer=4, lisa=3, abe=9, milhouse=3), classes=3)
    assert found.classes == ("abe", "bart", "homer")


def test_an_unknown_class_names_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no class 'barth'; did you mean bart\? valid: bart, lisa"):
        chosen(source(bart=3, lisa=2), classes=["barth", "lisa"])


def test_of_very_many_classes_only_the_nearest_are_listed() -> None:
    many = {f"species_{number:04d}": 1 for number in range(500)}
    with pytest.raises(DataError, match=r"'specis_0042'; valid are 500 names, the nearest specie"):
        chosen(source(**many), classes=["species_0001", "specis_0042"])


def test_more_classes_than_there_are_is_refused() -> None:
    with pytest.raises(DataError, match="must be at most the 2 classes there are, got 20"):
        chosen(source(bart=3, lisa=2), classes=20)


def test_a_val_folder_can_be_the_untouched_test_split() -> None:
    found = chosen(source(bart=2, splits=("train", "val")), split={"given_val": "test"})
    assert [entry.split for entry in found.entries] == ["train", "train", "test", "test"]


def test_a_val_folder_beside_a_test_folder_stays_one() -> None:
    with pytest.raises(DataError, match="given_val=test needs a source without a test split"):
        chosen(source(bart=2, splits=("train", "val", "test")), split={"given_val": "test"})
