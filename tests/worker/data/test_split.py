from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.config.data import SplitConfig
from study.dataset import SPLITS
from study.errors import DataError
from worker.data.split import Assignment, assign
from worker.data.units import Picture, find_units


def divide(pictures: list[Picture], **settings: object) -> Assignment:
    config = SplitConfig.model_validate(settings)
    return assign(pictures, find_units(pictures, config.group), config)


def bed(**counts: int) -> list[Picture]:
    return [
        Picture(f"{label}/{number:04d}.png", label, f"{label}{number}")
        for label, count in counts.items()
        for number in range(count)
    ]


def table(pictures: list[Picture], found: Assignment) -> dict[str, tuple[int, ...]]:
    counts = Counter(
        (picture.label, split) for picture, split in zip(pictures, found.splits, strict=True)
    )
    return {p.label: tuple(counts[p.label, split] for split in SPLITS) for p in pictures}


def test_classes_keep_their_proportions_exactly() -> None:
    pictures = bed(daisy=100, rose=40, tulip=2000)
    assert table(pictures, divide(pictures, val=0.15, test=0.1)) == {
        "daisy": (75, 15, 10),
        "rose": (30, 6, 4),
        "tulip": (1500, 300, 200),
    }


def test_small_classes_are_in_every_split() -> None:
    pictures = bed(daisy=3, rose=4)
    assert table(pictures, divide(pictures)) == {"daisy": (1, 1, 1), "rose": (2, 1, 1)}


def test_a_class_too_small_for_the_test_split_is_noted() -> None:
    pictures = bed(daisy=2, rose=4)
    found = divide(pictures)
    assert table(pictures, found)["daisy"] == (1, 1, 0)
    assert found.notes == ("no test pictures of daisy: too few pictures",)


def test_a_class_with_one_picture_is_refused() -> None:
    with pytest.raises(DataError, match="one for train and one for val, 'rose' has one usable"):
        divide(bed(daisy=5, rose=1))


def test_a_class_of_copies_of_one_picture_is_refused() -> None:
    copies = [Picture(f"rose/{n}.png", "rose", "same") for n in range(5)]
    with pytest.raises(DataError, match="'rose' has only copies of one picture"):
        divide(bed(daisy=5) + copies)


def test_without_a_test_fraction_there_is_no_test_split() -> None:
    pictures = bed(daisy=10, rose=10)
    assert table(pictures, divide(pictures, val=0.2, test=0)) == {
        "daisy": (8, 2, 0),
        "rose": (8, 2, 0),
    }


def test_the_seed_decides_and_the_order_of_the_listing_does_not() -> None:
    pictures = bed(daisy=30, rose=30)
    forwards, backwards = divide(pictures), divide(pictures[::-1])
    assert forwards.splits == backwards.splits[::-1]
    assert divide(pictures, seed=1).splits != forwards.splits


def test_given_splits_are_kept_and_missing_ones_carved_out_of_train() -> None:
    pictures = [
        Picture(f"{split}/{label}/{n}.png", label, f"{split}{label}{n}", split)
        for label in ("daisy", "rose")
        for split, count in (("train", 20), ("test", 5))
        for n in range(count)
    ]
    found = divide(pictures, val=0.1)
    assert table(pictures, found) == {"daisy": (18, 2, 5), "rose": (18, 2, 5)}
    for picture, split in zip(pictures, found.splits, strict=True):
        assert (picture.split == "test") == (split == "test")


def test_a_class_that_the_source_only_tests_is_refused() -> None:
    pictures = [*bed(daisy=9), Picture("t.png", "rose", "t", "test")]
    with pytest.raises(DataError, match="every class must have pictures in train, rose has none"):
        divide(pictures)


def test_groups_torn_apart_by_the_source_are_noted() -> None:
    pictures = [
        Picture(f"{split}{n}.png", "rose", f"{split}{n}", split, group="g")
        for split in ("train", "val", "test")
        for n in range(2)
    ]
    assert divide(pictures).notes == ("the source's own splits tear 1 groups apart, first group g",)


def test_a_single_group_cannot_be_split() -> None:
    pictures = [Picture(f"a_{n}.png", label, f"{label}{n}") for label in "xy" for n in range(9)]
    with pytest.raises(DataError, match="a group goes to one split as a whole"):
        divide(pictures, group="^([a-z])_")


def test_groups_that_span_all_classes_come_close_to_the_fractions() -> None:
    sizes = dict(zip("abcdefghijkl", (8, 8, 8, 6, 6, 4, 4, 3, 3, 2, 2, 1), strict=True))
    pictures = [
        Picture(f"{label}/{group}_{n}.png", label, f"{label}{group}{n}")
        for label in (f"class{i}" for i in range(20))
        for group, count in sizes.items()
        for n in range(count)
    ]
    found = divide(pictures, group="^([a-z])_", val=0.15, test=0.15)
    total = Counter(found.splits)
    assert abs(total["val"] / len(pictures) - 0.15) < 0.02
    assert abs(total["test"] / len(pictures) - 0.15) < 0.02
    assert not found.notes
    assert all(min(row) > 0 for row in table(pictures, found).values())


def test_a_class_in_one_group_goes_to_train_with_a_note() -> None:
    pictures = [
        Picture(f"{label}/{group}_{n}.png", label, f"{label}{group}{n}")
        for label, groups in (("daisy", "abcdefgh"), ("rose", "a"))
        for group in groups
        for n in range(4)
    ]
    found = divide(pictures, group="^([a-z])_")
    assert table(pictures, found)["rose"] == (4, 0, 0)
    assert "no val pictures of rose: groups do not allow it" in found.notes


@st.composite
def labelled(draw: st.DrawFn) -> list[Picture]:
    """Pictures of a few classes, many of them copies of another, across classes too."""
    pictures = bed(
        **{f"class{i}": draw(st.integers(2, 25)) for i in range(draw(st.integers(1, 4)))}
    )
    copies = draw(st.lists(st.sampled_from(pictures), max_size=20))
    labels = sorted({picture.label for picture in pictures})
    return pictures + [
        Picture(f"copy/{n:03d}.png", draw(st.sampled_from(labels)), copy.sha256)
        for n, copy in enumerate(copies)
    ]


@settings(max_examples=150)
@given(labelled(), st.floats(0.05, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_copies_stay_together_and_every_class_is_trained_and_validated(
    pictures: list[Picture], val: float, test: float, seed: int
) -> None:
    found = divide(pictures, val=val, test=test, seed=seed)
    where = defaultdict(set)
    for picture, split in zip(pictures, found.splits, strict=True):
        where[picture.sha256].add(split)
    assert all(len(splits) == 1 for splits in where.values())
    assert found.splits == divide(pictures[::-1], val=val, test=test, seed=seed).splits[::-1]
    assert all(train and validated for train, validated, _ in table(pictures, found).values())


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=30, max_size=150),
    st.integers(0, 3),
)
def test_a_group_never_straddles_a_split(members: list[tuple[int, int]], seed: int) -> None:
    base = [(label, group) for label in range(4) for group in range(10)]
    pictures = [
        Picture(f"{group}_{n}.png", f"class{label}", str(n))
        for n, (label, group) in enumerate(base + members)
    ]
    found = divide(pictures, group="^([0-9]+)_", seed=seed)
    where = defaultdict(set)
    for picture, split in zip(pictures, found.splits, strict=True):
        where[picture.name.split("_")[0]].add(split)
    assert all(len(splits) == 1 for splits in where.values())
    assert all(min(row) > 0 for row in table(pictures, found).values())
    assert abs(Counter(found.splits)["train"] / len(pictures) - 0.7) < 0.12


def fold_table(pictures: list[Picture], found: Assignment, count: int) -> dict[str, list[int]]:
    """Pictures of each class per fold, those of test left out."""
    counts = Counter(
        (picture.label, fold)
        for picture, fold, split in zip(pictures, found.folds, found.splits, strict=True)
        if split != "test"
    )
    return {p.label: [counts[p.label, fold] for fold in range(count)] for p in pictures}


@given(folds=st.integers(2, 7), seed=st.integers(0, 5))
@settings(max_examples=20)
def test_folds_share_every_class_evenly(folds: int, seed: int) -> None:
    pictures = bed(daisy=100, rose=23)
    found = divide(pictures, folds=folds, test=0.1, seed=seed)
    for label, counts in fold_table(pictures, found, folds).items():
        assert max(counts) - min(counts) <= 1, label
    assert {(split, fold == 0) for split, fold in zip(found.splits, found.folds, strict=True)} == {
        ("train", False),
        ("val", True),
        ("test", True),
    }


def test_a_group_is_in_one_fold() -> None:
    pictures = [
        Picture(f"{label}/{group}_{n}.png", label, f"{label}{group}{n}")
        for label in ("daisy", "rose")
        for group in "abcdefghijkl"
        for n in range(3)
    ]
    found = divide(pictures, group="/?([a-z])_", folds=3, test=0.0)
    folds = defaultdict(set)
    for picture, fold in zip(pictures, found.folds, strict=True):
        folds[picture.name.split("/")[1][0]].add(fold)
    assert all(len(where) == 1 for where in folds.values())
    assert set(found.folds) == {0, 1, 2}


def test_the_sources_own_val_pictures_join_the_folds() -> None:
    pictures = [
        Picture(f"{split}/{label}/{n}.png", label, f"{split}{label}{n}", split)
        for label in ("daisy", "rose")
        for split, count in (("train", 8), ("val", 4), ("test", 3))
        for n in range(count)
    ]
    found = divide(pictures, folds=4)
    assert fold_table(pictures, found, 4) == {"daisy": [3] * 4, "rose": [3] * 4}
    assert found.splits.count("test") == 6


def test_a_class_smaller_than_the_folds_is_refused() -> None:
    with pytest.raises(DataError, match=r"in each of data\.split\.folds=5, 'rose' has 4: lower"):
        divide(bed(daisy=50, rose=4), folds=5)
