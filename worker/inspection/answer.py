"""What a model says of a picture: its best classes, and how sure it may be of them.

Knows nothing of files and of how an answer is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from worker.evaluation.classifier import Classifier
from worker.evaluation.likeness import is_unlike
from worker.evaluation.metrics import entropy
from worker.inspection.squares import Squares

TOP = 5  # classes of an answer

Progress = Callable[[int], None]
"""Called with the number of pictures that are done."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Of one picture."""

    number: int
    """Of the picture in its squares."""
    top: tuple[tuple[str, float], ...]
    """The likeliest classes with their probabilities, highest first; at most five."""
    entropy: float
    """Of all probabilities, nats: 0 for one certain class."""
    unlike: bool
    """Whether the picture is unlike the training data (worker/evaluation/likeness.py)."""

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.top[0][0]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return self.top[0][1]


def answered(classifier: Classifier, squares: Squares, progress: Progress) -> Iterator[Answer]:
    """An answer for each picture that can be read, in their order; holds a batch at a time."""
    for numbers, pixels in squares.batches(range(len(squares.names))):
        logits, distances = classifier.judge(pixels)
        del pixels  # before the next batch is made
        yield from answers(numbers, logits.cpu(), distances.cpu(), classifier.classes)
        progress(len(numbers))


def answers(
    numbers: list[int], logits: Tensor, distances: Tensor, classes: tuple[str, ...]
) -> Iterator[Answer]:
    """Of logits (B, C) and distances (B,) float, as Classifier.judge gives them, on the CPU."""
    top = logits.softmax(dim=1).topk(min(TOP, len(classes)), dim=1)
    rows = zip(
        numbers,
        top.values.tolist(),
        top.indices.tolist(),
        entropy(logits).tolist(),
        is_unlike(distances).tolist(),
        strict=True,
    )
    for number, probabilities, indices, spread, unlike in rows:
        best = zip((classes[index] for index in indices), probabilities, strict=True)
        yield Answer(number=number, top=tuple(best), entropy=spread, unlike=unlike)
