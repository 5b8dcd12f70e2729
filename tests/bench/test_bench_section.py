from __future__ import annotations

import json

from bench.page import render
from bench.section import Section, ratios, spread

SECTION = Section(
    title="Doors",
    about="Opened in turns.",
    header=("door", "a second"),
    rows=(("oak", "2"), ("glass", "3")),
    remarks=("Steel is left out.",),
    rounds={"oak": (2.0, 2.0), "glass": (3.0, 6.0)},
)
MACHINE = {
    **{"processor": "Abacus", "cores": 2, "memory_gib": 4, "gpu": None, "python": "3.11.2"},
    "packages": {"torch": "2.14"},
}


def result(**changes: object) -> dict[str, object]:
    return {
        **{"date": "2026-01-02", "commit": "abc", "seconds": 7.4, "others": 1.5},
        **{"machine": MACHINE, "section": json.loads(json.dumps(SECTION.to_plain())), **changes},
    }


def page(results: dict[str, object]) -> str:
    return render(results, command="make bench", data="results.json")


def test_a_section_survives_being_written_as_json() -> None:
    assert Section.from_plain(json.loads(json.dumps(SECTION.to_plain()))) == SECTION


def test_a_ratio_is_of_two_things_in_the_same_round() -> None:
    assert ratios((4.0, 1.0), (2.0, 0.5)) == (2.0, 2.0)  # the second round met a busy machine


def test_a_spread_has_the_lowest_and_the_highest_round() -> None:
    assert spread((3.0, 1.0, 2.0), ".1f") == "2.0 (1.0 to 3.0)"


def test_the_page_has_the_table_and_under_what_circumstances_it_was_measured() -> None:
    text = page({"doors": result()})
    assert "| oak | 2 |\n| glass | 3 |" in text
    assert "Steel is left out." in text
    assert "`doors`: 2026-01-02, commit abc, 7 s; before it 1.5 other processes" in text


def test_a_machine_is_described_once() -> None:
    other = {**MACHINE, "gpu": "Big"}
    text = page({"a": result(), "b": result(), "c": result(machine=other)})
    assert text.count("of Abacus, 4 GiB, no GPU; Python 3.11.2, torch 2.14.") == 1
    assert text.count("of Abacus, 4 GiB, Big;") == 1
