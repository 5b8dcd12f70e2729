"""A survey as tables and lines for a terminal. Knows nothing of how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from study.dataset import SPLITS, Duplicates
from study.errors import one_line
from worker.data.survey import Sizes, Spread, Survey

MOST_CLASSES = 40  # in the table; of more the largest and the smallest
EXAMPLES = 5  # of each kind of finding; all are in inspect.json


def class_table(found: Survey) -> Table:
    """Pictures of each class in each split, the largest class first."""
    splits = [split for split in SPLITS if split in found.counts]
    table = Table("class", *splits, "all")
    for column in table.columns[1:]:
        column.justify = "right"
    rows = sorted(
        zip(
            found.classes, zip(*(found.counts[split] for split in splits), strict=True), strict=True
        ),
        key=lambda row: (-sum(row[1]), row[0]),
    )
    half = MOST_CLASSES // 2
    for place, (label, counts) in enumerate(rows):
        if len(rows) <= MOST_CLASSES or not half <= place < len(rows) - half:
            table.add_row(one_line(label), *(f"{count:,}" for count in (*counts, sum(counts))))
        elif place == half:
            table.add_row(f"{len(rows) - 2 * half} classes between", *["" for _ in splits], "")
    sums = [sum(found.counts[split]) for split in splits]
    table.add_section()
    table.add_row(f"{len(rows)} classes", *(f"{count:,}" for count in (*sums, sum(sums))))
    return table


def lines(found: Survey) -> Iterator[str]:
    """Everything but the classes, a finding a line."""
    totals = [sum(counts) for counts in zip(*found.counts.values(), strict=True)]
    yield f"largest class : smallest class = {max(totals):,} : {min(totals):,}"
    if found.sizes is not None:
        yield from _sizes(found.sizes)
    yield from _sets("identical files", found.identical)
    yield from _sets(f"nearly the same (at most {found.near_bits} of 256 bits differ)", found.near)
    if found.similar is not None:
        alike = f"alike to the network (cosine at least {found.similar_cosine})"
        yield from _sets(alike, found.similar)
    yield f"left out as unreadable: {len(found.quarantined):,}"
    for file in found.quarantined[:EXAMPLES]:
        yield f"  {one_line(file.name)}: {one_line(file.reason)}"
    if found.converted:
        yield f"converted: {len(found.converted):,}"
    yield from (one_line(note) for note in found.notes)


def _sizes(sizes: Sizes) -> Iterator[str]:
    formats = ", ".join(f"{count:,} {name}" for name, count in sizes.formats.items())
    yield f"files: {formats}"
    yield f"width: {_spread(sizes.width)} pixels"
    yield f"height: {_spread(sizes.height)} pixels"
    yield f"file: {_spread(sizes.file)} bytes"
    if sizes.enlarged:
        yield f"enlarged to data.image_size: {sizes.enlarged:,}"


def _spread(spread: Spread) -> str:
    return f"{spread.least:,} to {spread.most:,}, half of them up to {spread.median:,.0f}"


def _sets(what: str, sets: Sequence[Duplicates]) -> Iterator[str]:
    if not sets:
        yield f"{what}: none"
        return
    leaks = [one for one in sets if one.is_leak]
    mixed = sum(len(one.classes) > 1 for one in sets)
    pictures = sum(len(one.names) for one in sets)
    yield (
        f"{what}: {len(sets):,} sets of {pictures:,} pictures, {len(leaks):,} across splits, "
        f"{mixed:,} across classes"
    )
    for one in leaks[:EXAMPLES]:
        more = f" and {len(one.names) - 3} more" if len(one.names) > 3 else ""
        names = ", ".join(map(one_line, one.names[:3]))
        yield f"  leak between {' and '.join(one.splits)}: {names}{more}"
