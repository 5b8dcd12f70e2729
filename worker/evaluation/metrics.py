"""Metrics as pure functions of logits and labels, on whichever device those are; defined in
docs/metrics.md.

Knows nothing of models, batches and epochs. `summarise` brings all its numbers to the host in one
copy; nothing else here waits for the device on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LOW_SUPPORT = 5  # pictures; in a class with fewer, one picture moves recall by over 20 points
CALIBRATION_BINS = 15  # of equal width, as in Guo et al., https://arxiv.org/abs/1706.04599


@dataclass(frozen=True)
class ClassFigures:
    """How well each class is told from the others: tensors (C,) float64, on the device."""

    precision: Tensor
    """TP / (TP + FP); 0 where nothing was taken for the class."""
    recall: Tensor
    """TP / (TP + FN); 0 without support."""
    f1: Tensor
    """2 TP / (2 TP + FP + FN), which is support + predictions below the line; 0 for a class that
    is neither among the labels nor predicted."""
    support: Tensor
    """Pictures of the class."""
    present: Tensor
    """bool: among the labels or predicted. The others count in no mean."""

    @property
    def supported(self) -> Tensor:
        """(C,) bool: classes with at least LOW_SUPPORT pictures."""
        return self.support >= LOW_SUPPORT


def confusion_matrix(logits: Tensor, labels: Tensor) -> Tensor:
    """Pictures, (C, C) int64: rows are true classes, columns those with the highest logit.

    logits: (N, C) float; labels: (N,) int64. Not by bincount, which waits for the device.
    """
    n_classes = logits.shape[1]
    cells = labels * n_classes + logits.argmax(dim=1)  # (N,)
    counts = cells.new_zeros(n_classes**2).index_add(0, cells, torch.ones_like(cells))
    return counts.view(n_classes, n_classes)


def class_figures(confusion: Tensor) -> ClassFigures:
    """confusion: as above."""
    hits = confusion.diagonal().double()
    support, predicted = confusion.sum(dim=1).double(), confusion.sum(dim=0).double()
    return ClassFigures(
        precision=hits / predicted.clamp(min=1),
        recall=hits / support.clamp(min=1),
        f1=2 * hits / (support + predicted).clamp(min=1),
        support=support,
        present=support + predicted > 0,
    )


def top_k(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """Share of pictures whose label is among the k highest logits, in [0, 1]: () float64.

    logits: (N, C) float; labels: (N,) int64. With fewer than k classes every class counts.
    """
    highest = logits.topk(min(k, logits.shape[1]), dim=1).indices  # (N, k)
    return (highest == labels[:, None]).any(dim=1).double().mean()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-likelihood, nats: () float64; without smoothing or class weights, so that
    trials with different ones can be compared. NaN or infinite where a logit is."""
    return functional.cross_entropy(logits.double(), labels)


def roc_auc(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Area under the ROC curve, one class against the rest, mean over the classes: () float64.

    A class without pictures, or with all of them, has no curve and is left out; NaN where every
    class is. Exact, with ties counted half: the Mann-Whitney statistic of the ranks of each class's
    own pictures (Fawcett, An introduction to ROC analysis, section 7). All classes in one sort;
    torchmetrics takes a class after the other, each waiting for the device.

    probabilities: (N, C) float32, not negative; labels: (N,) int64.
    """
    total, n_classes = probabilities.shape
    # As integers floats that are not negative have the same order: a class above them makes one
    # ascending list of all columns, which one search looks through.
    order = probabilities.float().contiguous().view(torch.int32)  # (N, C)
    offsets = torch.arange(n_classes, device=labels.device) << 32
    ascending = order.t().contiguous().sort(dim=1).values + offsets[:, None]  # (C, N) int64
    own = order.gather(1, labels[:, None])[:, 0] + offsets[labels]  # (N,)
    below = torch.searchsorted(ascending.flatten(), own)
    above = torch.searchsorted(ascending.flatten(), own, right=True)
    ranks = (below + above + 1).double() / 2 - labels * total  # from 1, in its column
    zeros = torch.zeros(n_classes, dtype=torch.float64, device=labels.device)
    sums = zeros.index_add(0, labels, ranks)
    positives = zeros.index_add(0, labels, torch.ones_like(ranks))
    areas = (sums - positives * (positives + 1) / 2) / (positives * (total - positives))
    return areas.nanmean()


def calibration_error(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Expected calibration error, in [0, 1]: mean distance of confidence and accuracy over bins,
    weighted by the pictures in them: () float64.

    A bin contains its lower edge, so those sure to 1 are a bin of their own, as in torchmetrics.

    NaN where a probability is. probabilities: (N, C) float; labels: (N,) int64.
    """
    confidence, predicted = probabilities.float().max(dim=1)  # (N,)
    edges = torch.linspace(0, 1, CALIBRATION_BINS + 1, device=labels.device)
    bins = torch.bucketize(confidence, edges, right=True) - 1
    excess = confidence.double() - (predicted == labels).double()
    distances = excess.new_zeros(CALIBRATION_BINS + 1).index_add(0, bins, excess)  # times pictures
    return distances.abs().sum() / len(labels)


def entropy(logits: Tensor) -> Tensor:
    """(N,) float64: of the softmax of logits (N, C), nats; log(C) for classes as likely."""
    logs = logits.double().log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1)


@torch.no_grad()
def summarise(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """What a study can search for, by the names of study.config.search.Metric.

    logits: (N, C) float32; labels: (N,) int64; N at least 1.
    """
    probabilities = logits.softmax(dim=1)
    figures = class_figures(confusion_matrix(logits, labels))
    loss = cross_entropy(logits, labels)
    metrics = {
        "loss": loss,
        "accuracy": (logits.argmax(dim=1) == labels).double().mean(),  # as in the confusion matrix
        "top5": top_k(logits, labels, 5),
        "precision": _mean(figures.precision, figures.present),
        "recall": _mean(figures.recall, figures.present),
        "f1": _mean(figures.f1, figures.present),
        "f1_supported": _f1_supported(figures),
        "roc_auc": roc_auc(probabilities, labels),
        "log_loss": loss,
        "ece": calibration_error(probabilities, labels),
    }
    return dict(zip(metrics, torch.stack(list(metrics.values())).tolist(), strict=True))


def _f1_supported(figures: ClassFigures) -> Tensor:
    """Macro-F1 over the classes with enough pictures; over all where none has."""
    supported = figures.supported
    wanted = torch.where(supported.any(), supported, figures.present)
    return _mean(figures.f1, wanted)


def _mean(values: Tensor, wanted: Tensor) -> Tensor:
    return (values * wanted).sum() / wanted.sum()
