"""What helped, as a list of sentences with their intervals drawn; and the parameters' importance.

Knows nothing of how either is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from coordinator.report.effects import Effect, Effects, effects
from coordinator.report.evidence import Evidence
from coordinator.report.landmark import landmark
from coordinator.report.markup import Html, Section, bars, missing, paragraph
from coordinator.report.sentences import (
    COMPARED,
    PRUNED,
    chance,
    confounding,
    nothing,
    sentence,
    skipped,
)
from study.config.search import SearchConfig

WIDTH, HEIGHT = 150, 22  # of a drawn interval, pixels


def helped(evidence: Evidence, names: Mapping[str, str]) -> Section:
    """Nothing is listed of which nothing can be said."""
    search = evidence.study.config.search
    early = landmark(evidence.trials, sign=search.sign)
    end = effects(evidence.trials, list(names), sign=search.sign)
    title = f"At the end: {len(evidence.complete):,} complete trials"
    lists = _list(title, end, search, names)
    notes = [*COMPARED, *chance(end)]
    if early is not None:
        stood = effects(early.trials, list(names), sign=search.sign)
        reached = sum(trial.complete for trial in early.trials)
        many = "1 epoch" if early.epochs == 1 else f"{early.epochs} epochs"
        title = f"After {many}, before the first was pruned: {reached:,} trials"
        lists += _list(title, stood, search, names)
        notes = [*COMPARED, *PRUNED, *chance(end, stood)]
    return Section(
        "helped",
        "What helped",
        lists + "".join(map(paragraph, [*notes, confounding(search.sampler)])),
    )


def important(shares: Mapping[str, float], names: Mapping[str, str]) -> Section:
    """Of all parameters, the largest first."""
    body = missing("needs at least two complete trials with different parameters")
    if shares:
        body = bars(
            "Share of what sets the best tenth of complete trials apart (PED-ANOVA)",
            {names.get(path, path): share for path, share in shares.items()},
        )
    return Section("importance", "Importance of parameters", body)


def _list(title: str, found: Effects, search: SearchConfig, names: Mapping[str, str]) -> Html:
    said = found.effects
    body = missing(nothing(found))
    if said:
        reach = max(abs(end) for effect in said for end in (effect.low, effect.high))
        items = (_item(effect, search, names, reach, firm=found.firm(effect)) for effect in said)
        body = f'<ol class="effects">{"".join(items)}</ol>'
    return f"<h3>{escape(title)}</h3>{body}{paragraph(skipped(found, names))}"


def _item(
    effect: Effect, search: SearchConfig, names: Mapping[str, str], reach: float, *, firm: bool
) -> Html:
    subject, rest = sentence(effect, search.metric, names)
    kind = "better" if search.sign * effect.difference > 0 else "worse"
    star = ' <b title="also with Bonferroni">\N{BLACK STAR}</b>' if firm else ""
    return (
        f'<li class="{kind}">{_drawn((effect.low, effect.difference, effect.high), reach)}'
        f"<p><strong>{escape(subject)}</strong> {escape(rest)}{star}</p></li>"
    )


def _drawn(interval: Sequence[float], reach: float) -> Html:
    """The interval on a line from -reach to reach, zero in the middle."""
    low, middle, high = (round((value / reach + 1) / 2 * (WIDTH - 10) + 5, 1) for value in interval)
    y = HEIGHT / 2
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">'
        f'<path class="zero" d="M{WIDTH / 2} 1V{HEIGHT - 1}"/>'
        f'<path class="interval" d="M{low} {y}H{high}M{low} {y - 4}v8M{high} {y - 4}v8"/>'
        f'<circle cx="{middle}" cy="{y}" r="4"/></svg>'
    )
