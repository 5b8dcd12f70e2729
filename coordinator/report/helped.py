"""What helped, as a list of sentences with their intervals drawn; and the parameters' importance.

Knows nothing of how either is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from coordinator.report.effects import Effect, Effects
from coordinator.report.evidence import Evidence
from coordinator.report.markup import Html, Section, bars, missing, paragraph
from coordinator.report.sentences import method, sentence

WIDTH, HEIGHT = 150, 22  # of a drawn interval, pixels


def helped(evidence: Evidence, effects: Effects, names: Mapping[str, str]) -> Section:
    """Nothing is listed of which nothing can be said."""
    search = evidence.study.config.search
    said = effects.effects
    body = missing("no difference is large enough to be told from chance yet")
    if said:
        reach = max(abs(end) for effect in said for end in (effect.low, effect.high))
        items = (
            _item(effect, search.metric, search.sign, names, reach, firm=effects.firm(effect))
            for effect in said
        )
        body = f'<ol class="effects">{"".join(items)}</ol>'
    complete = len(evidence.complete)
    notes = method(effects, trials=complete, sampler=search.sampler, names=names)
    return Section("helped", "What helped", body + "".join(map(paragraph, notes)))


def important(shares: Mapping[str, float], names: Mapping[str, str]) -> Section:
    """Of all parameters, the largest first."""
    body = missing("needs at least two complete trials with different parameters")
    if shares:
        body = bars(
            "Share of what sets the best tenth of complete trials apart (PED-ANOVA)",
            {names.get(path, path): share for path, share in shares.items()},
        )
    return Section("importance", "Importance of parameters", body)


def _item(
    effect: Effect,
    metric: str,
    sign: int,
    names: Mapping[str, str],
    reach: float,
    *,
    firm: bool,
) -> Html:
    subject, rest = sentence(effect, metric, names)
    kind = "better" if sign * effect.difference > 0 else "worse"
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
