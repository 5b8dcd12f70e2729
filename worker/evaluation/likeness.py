"""What a model's training pictures are like to it, and how far from them another picture is.

Mahalanobis distances of several layers' features (Lee et al., "A Simple Unified Framework for
Detecting Out-of-Distribution Samples and Adversarial Attacks", 2018), over all classes at once
(Kamoi and Kobayashi, "Why is the Mahalanobis Distance Effective for Anomaly Detection?", 2020). The
answer itself does not tell: a network may be sure of uniform noise, of which its first layers see
at once that nothing of it was in training. Knows nothing of models and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from study import atomic

SHRINKAGE = 0.01
"""Of the mean variance, that every direction is given: those in which training pictures do not
differ count much where another does, but not without bounds."""

LEAST = 1e-6  # deviation and limit, of pictures that are all the same: neither may be 0


@dataclass(frozen=True)
class Gaussian:
    """One layer's features of the training pictures."""

    mean: Tensor
    """(D,) float32."""
    whitening: Tensor
    """(D, D) float32: the inverse Cholesky factor of the covariance, transposed, over the limit."""

    def distances(self, features: Tensor) -> Tensor:
        """(B,) float32, in units of the limit. features: (B, D) float32, on the same device."""
        whitened: Tensor = (features - self.mean) @ self.whitening
        return whitened.square().sum(dim=1).sqrt()


@dataclass(frozen=True)
class Likeness:
    """All layers; a picture beyond the limit of one is unlike the training pictures."""

    layers: dict[str, Gaussian]

    def distances(self, features: Mapping[str, Tensor]) -> Tensor:
        """(B,) float32: the largest of the layers' distances; 1 is the limit. NaN where a feature
        is. features: of each layer (B, D) float32, on the same device."""
        found = [layer.distances(features[name]) for name, layer in self.layers.items()]
        return torch.stack(found).amax(dim=0)

    def to(self, device: torch.device) -> Likeness:
        """The same on a device."""
        return Likeness(
            {
                name: Gaussian(layer.mean.to(device), layer.whitening.to(device))
                for name, layer in self.layers.items()
            }
        )


def is_unlike(distances: Tensor) -> Tensor:
    """(N,) bool: which pictures are unlike the training pictures; one without a distance is.

    distances: (N,) float, as `Likeness.distances` gives them.
    """
    return ~(distances <= 1)


def save_likeness(likeness: Likeness, target: Path) -> None:
    """Writes a file of tensors, atomically. Raises OSError."""
    state = {name: vars(layer) for name, layer in likeness.to(torch.device("cpu")).layers.items()}
    with atomic.replacing(target) as file:
        torch.save(state, file)


def load_likeness(file: Path) -> Likeness:
    """On the CPU. Over a damaged file torch raises anything."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    return Likeness({name: Gaussian(**layer) for name, layer in state.items()})


def fit(
    training: Mapping[str, Tensor], held_out: Mapping[str, Tensor], *, quantile: float
) -> Likeness:
    """Of the training pictures' features (N, D), with limits beyond which this share of the held
    out pictures' (M, D) is; N and M at least 1. On the CPU, in float64.

    Held out, because a model knows the pictures it was fitted to better than any others.
    """
    layers = {name: _gaussian(features.double()) for name, features in training.items()}
    within = {name: features.double() for name, features in held_out.items()}
    each = Likeness(
        {
            name: _scaled(layer, _limit(layer.distances(within[name]), quantile))
            for name, layer in layers.items()
        }
    )
    together = _limit(each.distances(within), quantile)  # more are beyond any limit than beyond one
    return Likeness({name: _single(_scaled(each.layers[name], together)) for name in layers})


def _gaussian(features: Tensor) -> Gaussian:
    """features: (N, D) float64."""
    mean = features.mean(dim=0)
    centred = features - mean
    covariance = centred.T @ centred / len(features)
    ridge = SHRINKAGE * covariance.diagonal().mean() + LEAST**2
    identity = torch.eye(len(mean), dtype=features.dtype)
    factor = torch.linalg.cholesky(covariance + ridge * identity)
    whitening = torch.linalg.solve_triangular(factor, identity, upper=False).T
    return Gaussian(mean, whitening.contiguous())


def _limit(distances: Tensor, quantile: float) -> float:
    return max(LEAST, torch.quantile(distances, 1 - quantile).item())


def _scaled(layer: Gaussian, limit: float) -> Gaussian:
    return Gaussian(layer.mean, layer.whitening / limit)


def _single(layer: Gaussian) -> Gaussian:
    return Gaussian(layer.mean.float(), layer.whitening.float())
