"""What helped, in words: each effect as a sentence, and how to read them.

Knows nothing of how effects are measured nor of HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coordinator.report.contrasts import OTHERS, shown
from coordinator.report.effects import LEAST, Effect, Effects, Share
from study.config.search import SamplerConfig

FRACTIONS = frozenset(
    ("accuracy", "top5", "precision", "recall", "f1", "f1_supported", "roc_auc", "ece")
)
"""Metrics in [0, 1], whose differences are told in percentage points."""

OBVIOUS = (shown(True), shown(False), OTHERS)
"""What a group is compared with where a sentence need not say it."""

COMPARED = (
    f"Compared are trials by their best epoch: means of two groups of at least {LEAST}, with a "
    "studentised bootstrap interval. Nothing is said where the interval includes zero.",
)
PRUNED = (
    "Trials that were cut short (pruned, diverged) have no value to compare at the end and are "
    "counted beside; where one group lost more of them, the real difference is larger than the "
    "given one. That is why all trials are compared a second time, by their best epoch before any "
    "of them was pruned; what is ahead early need not be at the end.",
)
"""How to read what is listed."""


def short_names(parameters: Sequence[str]) -> dict[str, str]:
    """Each dotted path's end, as much of it as no other one ends with; never a number alone."""
    return {path: _short(path, parameters) for path in parameters}


def sentence(effect: Effect, metric: str, names: Mapping[str, str]) -> tuple[str, str]:
    """For example `batch_norm on:` and `+6.1 points, 95 % interval 3.9 to 8.2, 31 of 50 trials; cut
    short 4 of 35, against 12 of 31`."""
    contrast = effect.contrast
    name = names[contrast.parameter]
    against = "" if contrast.against.label in OBVIOUS else f", against {contrast.against.label}"
    parts = [
        amount(effect.difference, metric, unit=True),
        f"95 % interval {amount(effect.low, metric)} to {amount(effect.high, metric)}",
        f"{effect.trials.count} of {effect.trials.of} trials",
    ]
    short = (effect.cut_short, effect.cut_short_against)
    ending = ""
    if any(share.count for share in short):
        ending = f"; cut short {_of(short[0])}, against {_of(short[1])}"
    return f"{name} {contrast.group.label}{against}:", f"{', '.join(parts)}{ending}"


def amount(difference: float, metric: str, *, unit: bool = False) -> str:
    """A difference of a metric: `+6.1 points` with its unit, `6.1` as the end of an interval."""
    scaled, digits = (100 * difference, 1) if metric in FRACTIONS else (difference, 4)
    text = f"{scaled:+.{digits}f}" if unit else f"{scaled:.{digits}f}"
    text = text.replace("-", "\N{MINUS SIGN}")
    return f"{text} points" if unit and metric in FRACTIONS else text


def nothing(effects: Effects) -> str:
    """Stands where no effect is listed."""
    if effects.made:
        return "no difference is large enough to be told from chance"
    return f"too few trials: a comparison takes {LEAST} on either side"


def skipped(effects: Effects, names: Mapping[str, str]) -> str:
    """Which parameters were not compared; empty where all were, or none."""
    if not effects.made or not effects.skipped:
        return ""
    few = ", ".join(names[parameter] for parameter in effects.skipped)
    return f"Too few trials on either side to compare: {few}."


def chance(*lists: Effects) -> list[str]:
    """What so many comparisons lead one to expect."""
    made = sum(effects.made for effects in lists)
    if made < 2:
        return []
    return [
        f"{made} comparisons were made: if no parameter mattered, {0.05 * made:.1f} of them would "
        "be listed by chance. Those marked with \N{BLACK STAR} would also hold if all of their "
        "list were to be right together (Bonferroni)."
    ]


def confounding(sampler: SamplerConfig) -> str:
    """Whether a difference can be due to something else."""
    if sampler.trials_at_random is None:
        return (
            "Parameters were drawn independently of each other, so over all trials a difference is "
            "due to its parameter or to chance, except where one exists only under a condition."
        )
    return (
        f"After {sampler.trials_at_random} trials at random the sampler preferred what did well, "
        "so parameters were not varied independently: a difference belongs to such trials, and may "
        "be due to what else they had in common."
    )


def _short(path: str, parameters: Sequence[str]) -> str:
    parts = path.split(".")
    for length in range(1, len(parts)):
        end = ".".join(parts[-length:])
        alike = [other for other in parameters if f".{other}".endswith(f".{end}")]
        if len(alike) == 1 and not parts[-length].isdecimal():
            return end
    return path


def _of(share: Share) -> str:
    return f"{share.count} of {share.of}"
