"""How the best trial's model tells the classes apart: confusion matrix, classes, mistakes.

Knows nothing of where the result comes from.
"""

from __future__ import annotations

from coordinator.report.confusion import confusion, most_confused
from coordinator.report.markup import (
    Html,
    Section,
    details,
    drawn,
    missing,
    paragraph,
    picture,
    table,
)
from coordinator.report.result import Kept, Result

FEW_CLASSES = 20  # listed without being asked
LARGEST_PICTURE = 1_500_000  # bytes: a report is to be sent by mail
LISTED = 30  # mistakes


def classes(kept: Kept | None) -> Section:
    """The confusion matrix, and each class's figures."""
    result = None if kept is None else kept.result
    body = missing(_why(kept)) if result is None else _classes(result)
    return Section("confusion", "Confusion matrix", body)


def mistakes(kept: Kept | None) -> Section:
    """Pictures that were taken for something else, the surest first."""
    if kept is None or kept.result is None:
        return Section("mistakes", "Mistakes", missing(_why(kept)))
    found = kept.result.mistakes
    if not found:
        return Section("mistakes", "Mistakes", missing("none on the validation split"))
    rows = [(m.name, m.true, m.predicted, f"{m.confidence:.0%}") for m in found[:LISTED]]
    caption = f"The worst {len(rows)} of the mistakes that were kept, on the validation split"
    head = ("picture", "true", "predicted", "confidence")
    listed = table(caption, head, rows, numbers=(3,))
    return Section("mistakes", "Mistakes", _picture(kept) + details("As a list", listed))


def _picture(kept: Kept) -> Html:
    if kept.mistakes_picture is None:
        return missing("their pictures were not kept")
    if len(kept.mistakes_picture) > LARGEST_PICTURE:
        return missing("their pictures are too large for this page: see mistakes.png of the trial")
    return picture(kept.mistakes_picture, "pictures that were taken for another class")


def _classes(result: Result) -> Html:
    pairs = [
        (pair.true, pair.predicted, f"{pair.pictures} of {pair.of}")
        for pair in most_confused(result)
    ]
    rows = [
        (
            f"{name} *" if name in result.low_support else name,
            *map(_share, (found.precision, found.recall, found.f1)),
            str(found.support),
        )
        for name, found in result.per_class.items()
    ]
    head = ("class", "precision", "recall", "F1", "pictures")
    each = table("Each class, on the validation split", head, rows, numbers=range(1, 5))
    few = "* too few pictures for these figures to mean much" if result.low_support else ""
    most = table("Confused most", ("true", "predicted", "pictures"), pairs, numbers=(2,))
    return (
        drawn(confusion(result))
        + (most if pairs else "")
        + details("Each class", each + paragraph(few), is_open=len(rows) <= FEW_CLASSES)
    )


def _why(kept: Kept | None) -> str:
    return "no trial is complete yet" if kept is None else kept.missing


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
