"""What a step makes smaller: cross entropy or focal loss, over classes that may weigh unequally.

A target is a class or, where pictures were blended, the share of every class. Knows nothing of
models and of how pictures were blended (worker/data/blending.py).
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from study.config.training import TrainingConfig


class Loss:
    """Sums over a part of a batch; sums divided by the weight of the batch add up to its mean."""

    def __init__(self, config: TrainingConfig, class_weights: Tensor | None) -> None:
        """class_weights: (n_classes,) float32 on the logits' device, None for equal ones."""
        self._config = config
        self._class_weights = class_weights

    def sum(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss of each picture, summed: () float32.

        logits: (B, n_classes) of any float type; targets: (B,) int64, or (B, n_classes) float32
        with rows that sum to 1.
        """
        if self._config.loss == "focal":
            return self._focal(logits.float(), targets)
        return functional.cross_entropy(
            logits.float(),
            targets,
            weight=self._class_weights,
            label_smoothing=self._config.label_smoothing,
            reduction="sum",
        )

    def weight(self, targets: Tensor) -> Tensor | int:
        """What the sum over these targets is divided by: their number, or what they weigh."""
        if self._class_weights is None:
            return len(targets)
        if targets.ndim == 1:
            return self._class_weights[targets].sum()
        return (targets @ self._class_weights).sum()

    def _focal(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Each class's cross entropy times (1 - its probability) ** gamma.

        Lin et al., Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002,
        equation 4, for softmax; torchvision's is for sigmoid.
        """
        n_classes, smoothing = logits.shape[1], self._config.label_smoothing
        shares = functional.one_hot(targets, n_classes) if targets.ndim == 1 else targets
        shares = shares * (1 - smoothing) + smoothing / n_classes
        if self._class_weights is not None:
            shares = shares * self._class_weights
        logs = functional.log_softmax(logits, dim=1)
        # 1 - p, exact where p is nearly 1; at 0 a power below 1 has no gradient
        missing = (-logs.expm1()).clamp(min=1e-12)
        return -(shares * missing**self._config.focal_gamma * logs).sum()
