"""Draws what a model sees in a picture: its first filters, what its layers answer to, and Grad-CAM.

Knows nothing of how they are found (layers.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from worker.evaluation.classifier import Classifier
from worker.inspection.drawing import save, show
from worker.inspection.layers import FeatureMap, grad_cam, look_inside
from worker.inspection.squares import Square

FILTERS, ACTIVATIONS, GRAD_CAM = "filters.png", "activations.png", "grad-cam.png"
MOST_FILTERS = 64
MOST_LAYERS = 8
STRONGEST = 8  # activations of a layer
NO_MAP = "Grad-CAM does not apply: no convolution of this model keeps places up to its classes"


def explain(classifier: Classifier, square: Square, folder: Path) -> tuple[list[Path], list[str]]:
    """Draws into the folder; gives the files, and what a person should know.

    square: (P, P, C) uint8. A model without convolutions has no such figures, and is said to.
    """
    insight = look_inside(classifier.model, classifier.images(np.stack([square])))
    layers = insight.convolutions
    if not layers:
        return [], ["this model has no convolutions to look into"]
    label = classifier.classes[insight.label]
    share = insight.logits.softmax(dim=0)[insight.label].item()
    files = [
        save(_filters(layers[0]), folder / FILTERS),
        save(_activations(layers), folder / ACTIVATIONS),
    ]
    found = grad_cam(insight)
    if found is None:
        return files, [NO_MAP]
    figure = _overlay(square, found[1], f"{label} {100 * share:.1f} %, seen by {found[0]}")
    return [*files, save(figure, folder / GRAD_CAM)], []


def _filters(layer: FeatureMap) -> Figure:
    """Each filter scaled to its own range; of other than three channels, their mean."""
    assert isinstance(layer.module, nn.Conv2d)
    filters = layer.module.weight.detach()[:MOST_FILTERS].cpu()
    if filters.shape[1] != 3:
        filters = filters.mean(dim=1, keepdim=True)
    columns = min(8, len(filters))
    rows = -(-len(filters) // columns)
    figure = Figure(figsize=(columns, rows + 0.5), layout="constrained")
    figure.suptitle(f"filters of {layer.name}")
    places = figure.subplots(rows, columns, squeeze=False)
    for place, weights in zip(places.flat, filters, strict=False):
        show(place, _scaled(weights).permute(1, 2, 0).numpy())
    for place in places.flat[len(filters) :]:
        place.axis("off")
    return figure


def _activations(layers: tuple[FeatureMap, ...]) -> Figure:
    """A row for each layer, at most eight of them; its strongest channels, strongest first."""
    chosen = _spread(layers)
    figure = Figure(figsize=(STRONGEST + 1, len(chosen) * 1.5), layout="constrained")
    rows = figure.subfigures(len(chosen), 1, squeeze=False)[:, 0]
    for row, layer in zip(rows, chosen, strict=True):
        shape = "x".join(str(size) for size in layer.values.shape)
        row.suptitle(f"{layer.name}, {shape}", fontsize=8, x=0.01, horizontalalignment="left")
        places = row.subplots(1, STRONGEST)
        strength = layer.values.relu().mean(dim=(1, 2))
        best = strength.topk(min(STRONGEST, len(strength))).indices.tolist()
        for place, channel in zip(places, best, strict=False):
            show(place, layer.values[channel].numpy(), f"{channel}")
        for place in places[len(best) :]:
            place.axis("off")
    return figure


def _overlay(square: Square, heat: Tensor, title: str) -> Figure:
    """The picture, the map, and the map over the picture."""
    side = square.shape[0]
    large = functional.interpolate(heat[None, None], (side, side), mode="bilinear")[0, 0].numpy()
    picture = np.repeat(square, 3, axis=2) if square.shape[2] == 1 else square
    colours = mpl.colormaps["inferno"](large)[..., :3]
    images: list[NDArray[Any]] = [picture, large, 0.5 * picture / 255 + 0.5 * colours]
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    figure.suptitle(title)
    for place, image in zip(figure.subplots(1, len(images)), images, strict=True):
        show(place, image)
    return figure


def _spread(layers: tuple[FeatureMap, ...]) -> list[FeatureMap]:
    """The first, the last, and some evenly in between."""
    places = torch.linspace(0, len(layers) - 1, min(MOST_LAYERS, len(layers)))
    return [layers[int(place)] for place in places.round()]


def _scaled(weights: Tensor) -> Tensor:
    low, high = weights.min(), weights.max()
    return (weights - low) / (high - low).clamp(min=torch.finfo(weights.dtype).tiny)
