"""Pieces of HTML: sections, tables, bars, figures. Everything given is text and is escaped here.

Knows nothing of studies.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from coordinator.report.figure import Figure

Html = str
"""Text that is HTML already."""


@dataclass(frozen=True)
class Section:
    """A titled part of the page."""

    anchor: str
    title: str
    body: Html


def section(part: Section) -> Html:
    """With its heading, which its place in the contents leads to."""
    return (
        f'<section id="{part.anchor}" aria-labelledby="{part.anchor}-title">'
        f'<h2 id="{part.anchor}-title">{escape(part.title)}</h2>{part.body}</section>'
    )


def missing(why: str) -> Html:
    """Stands where something would."""
    return f'<p class="missing">{escape(why)}</p>'


def paragraph(text: str) -> Html:
    """A line of small print."""
    return f'<p class="note">{escape(text)}</p>' if text else ""


def facts(rows: Mapping[str, str]) -> Html:
    """Names and values."""
    cells = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows.items()
    )
    return f'<div class="wide" tabindex="0"><table class="facts">{"".join(cells)}</table></div>'


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()
) -> Html:
    """Rows of text. numbers: columns that are aligned as such; the first column names its row."""
    right = set(numbers)
    kinds = ['class="number"' if column in right else "" for column in range(len(head))]
    top = "".join(
        f'<th scope="col" {kind}>{escape(name)}</th>'
        for name, kind in zip(head, kinds, strict=True)
    )
    body = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def bars(caption: str, shares: Mapping[str, float]) -> Html:
    """Named bars of shares in [0, 1]."""
    rows = (
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{share:.0%}</td>'
        f'<td class="bar" aria-hidden="true"><i style="width:{100 * share:.1f}%"></i></td></tr>'
        for name, share in shares.items()
    )
    return (
        f'<table class="bars"><caption>{escape(caption)}</caption><tbody>{"".join(rows)}'
        "</tbody></table>"
    )


def details(title: str, body: Html, *, is_open: bool = False) -> Html:
    """What is shown when it is asked for."""
    state = " open" if is_open else ""
    return f"<details{state}><summary>{escape(title)}</summary>{body}</details>"


def code(text: str) -> Html:
    """Text as it is in a file."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def picture(png: bytes, alternative: str) -> Html:
    """In the page itself."""
    content = base64.b64encode(png).decode()
    return f'<img src="data:image/png;base64,{content}" alt="{escape(alternative)}">'


def drawn(figure: Figure) -> Html:
    """A place for page.js to draw in."""
    spec = json.dumps(
        {"data": figure.traces, "layout": figure.layout}, separators=(",", ":"), allow_nan=False
    )
    # within a script element only "<" could end it
    data = spec.replace("<", "\\u003c")
    return (
        f'<figure><div class="wide" tabindex="0" role="img" '
        f'aria-label="{escape(figure.alternative)}"><div class="drawing" '
        f'style="height:{figure.height}px;min-width:{figure.least_width}px">'
        f'<script type="application/json">{data}</script></div></div>'
        f"{_caption(figure.note)}</figure>"
    )


def _row(row: Sequence[str], kinds: Sequence[str]) -> Html:
    first, *others = zip(row, kinds, strict=True)
    cells = "".join(f"<td {kind}>{escape(value)}</td>" for value, kind in others)
    return f'<th scope="row" {first[1]}>{escape(first[0])}</th>{cells}'


def _caption(note: str) -> Html:
    return f"<figcaption>{escape(note)}</figcaption>" if note else ""
