from __future__ import annotations

import pytest

from study.errors import DataError
from worker.data.units import Picture, find_units


def picture(name: str, sha256: str = "", group: str | None = None) -> Picture:
    return Picture(name, "rose", sha256 or name, group=group)


def test_equal_files_are_one_unit() -> None:
    units = find_units([picture("a", "1"), picture("b", "2"), picture("c", "1")], None)
    assert units.keys[0] == units.keys[2] != units.keys[1]


def test_the_pattern_sees_the_base_name_alone() -> None:
    files = [picture("x_1/ruby_a.png"), picture("x_2/ruby_b.png"), picture("x_1/gold_a.png")]
    units = find_units(files, "^([^_]+)_")
    assert units.keys == ("group ruby", "group ruby", "group gold")


def test_a_picture_that_does_not_match_is_on_its_own_and_noted() -> None:
    units = find_units([picture("ruby_a.png"), picture("b.png"), picture("c.png")], "^([^_]+)_")
    assert len(set(units.keys)) == 3
    assert units.notes == ("2 of 3 pictures are in no group; each may go to any split",)


def test_a_group_given_by_a_list_needs_no_pattern() -> None:
    units = find_units([picture("a", group="g"), picture("b", group="g")], None)
    assert units.keys == ("group g", "group g")
    assert units.grouped


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("([", "must be a regular expression, got '\\(\\['"),
        ("^ruby", "must have a group in parentheses"),
        ("^(x)_", "matches none of 1, for example 'ruby_a.png'"),
    ],
)
def test_a_useless_pattern_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_units([picture("rose/ruby_a.png")], pattern)


def test_pictures_that_look_the_same_are_one_unit() -> None:
    files = [picture("a", "1"), picture("b", "2"), picture("c", "3"), picture("d", "3")]
    units = find_units(files, None, near=[[0, 1]])
    assert units.keys[0] == units.keys[1]
    assert units.keys[2] == units.keys[3]
    assert len(set(units.keys)) == 2
    assert units.notes == (
        "2 pictures are nearly the same as another and stay together, in 1 sets of up to 2",
    )


def test_groups_with_pictures_that_look_the_same_are_one_unit() -> None:
    games = ("ruby_a", "ruby_b", "gold_a", "gold_b", "blue_a", "blue_b")
    units = find_units(list(map(picture, games)), "^([^_]+)_", near=[[1, 2], [4, 5]])
    assert units.keys == (*["group ruby"] * 4, *["group blue"] * 2)
    assert units.grouped
    assert units.notes[-1] == "they join 3 groups into 2"


def test_what_looks_like_both_of_two_sets_joins_them() -> None:
    files = [picture("a", "1"), picture("b", "2"), picture("c", "2"), picture("d", "4")]
    units = find_units(files, None, near=[[0, 1], [2, 3]])
    assert len(set(units.keys)) == 1
