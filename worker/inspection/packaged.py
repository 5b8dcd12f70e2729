"""A model with everything around it: from squares as they are decoded to logits, and to how far
the pictures are from those it was trained on.

What is exported. Knows nothing of file formats.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from worker.data.augment import whole
from worker.evaluation.classifier import Classifier, Described
from worker.models.features import noted


class Packaged(nn.Module):
    """pixels (B, P, P, C) uint8 to logits (B, n_classes) and distances (B,) float32; on the CPU, in
    float32."""

    mean: Tensor
    std: Tensor

    def __init__(self, classifier: Classifier) -> None:
        """Takes the classifier's model with it to the CPU."""
        super().__init__()
        described = classifier.described
        self.model = classifier.model.cpu().to(memory_format=torch.contiguous_format).eval()
        self._likeness = classifier.likeness.to(torch.device("cpu"))
        self._size = described.config.data.image_size
        for name in ("mean", "std"):
            values = torch.tensor(described.fed[name]).view(1, -1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        images = whole(pixels, self._size) / 255
        with noted(self.model) as features:
            logits: Tensor = self.model((images - self.mean) / self.std)
        return logits, self._likeness.distances(features)


def contract(described: Described) -> dict[str, Any]:
    """What another program must know to feed the model and to read its answers; for JSON."""
    data, manifest = described.config.data, described.manifest
    return {
        "study": manifest.study,
        "version": manifest.version,
        "trial": manifest.trial,
        "classes": list(described.classes),
        "input": {
            "name": "pixels",
            "dtype": "uint8",
            "shape": ["batch", data.packed_size, data.packed_size, data.channels],
            "layout": "NHWC, RGB" if data.channels == 3 else "NHWC, gray",
            "orientation": "upright by EXIF; transparency over white",
            "fit": data.fit,
            "resize": "bilinear with antialiasing, as Pillow does",
        },
        "inside": {
            "image_size": data.image_size,
            "mean": described.fed["mean"],
            "std": described.fed["std"],
        },
        "outputs": [
            {"name": "logits", "dtype": "float32", "shape": ["batch", "classes"]},
            {"name": "distance", "dtype": "float32", "shape": ["batch"]},
        ],
        "unlike_above_distance": 1.0,
    }
