"""Networks by the names that others gave them: torchvision's, timm's, or a Python import path.

Knows nothing of weights (pretrained.py); whatever it makes has fresh ones.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torchvision.models
from torch import nn

from study.config.models import OWN, BackboneConfig
from study.config.nearest import hint, nearest
from study.errors import Infeasible, ModelError
from worker.models.backbone import Backbone

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and std, torchvision's

AUXILIARY = ("googlenet", "inception_v3")  # give more than logits in training unless told not to

Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and standard deviation of each channel, in [0, 1]."""


def build_backbone(config: BackboneConfig, *, image_size: int, n_classes: int) -> Backbone:
    """A backbone with fresh weights, on the CPU.

    Raises ModelError where there is no such network, Infeasible where it cannot be built with these
    arguments or does not take pictures of this size.
    """
    make = maker(config, image_size)
    try:
        model = Backbone(config, make(), n_classes=n_classes).eval()
        with torch.no_grad():  # what a network refuses, it refuses in its forward pass
            logits = model(torch.zeros(1, 3, image_size, image_size))
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise Infeasible(
            f"model.name={config.name} cannot be built for data.image_size={image_size} with "
            f"{dict(config.arguments) or 'no arguments'}: {error}"
        ) from error
    if not isinstance(logits, torch.Tensor) or logits.shape != (1, n_classes):
        got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise Infeasible(
            f"model.name={config.name} must give logits of shape {(1, n_classes)} for one picture, "
            f"got {got}"
        )
    return model.train()


def maker(config: BackboneConfig, image_size: int) -> Callable[[], nn.Module]:
    """What makes the network. Raises ModelError where there is none of that name."""
    library, _, name = config.name.rpartition("/")
    arguments: dict[str, Any] = dict(config.arguments)
    if library:
        make = _timm(name)
        return lambda: make(name, pretrained=False, **arguments)
    if ":" in name:
        return lambda: _found(name)(**arguments)
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise ModelError(f"unknown model.name, got {name!r}{hint(name, [*OWN, *known])}")
    if name.startswith("vit_"):
        arguments = {"image_size": image_size, **arguments}
    if name in AUXILIARY:
        trained = config.weights is not None  # those weights see another normalisation, made inside
        fixed = {"aux_logits": False, "init_weights": False, "transform_input": trained}
        arguments = {**fixed, **arguments}
    return lambda: torchvision.models.get_model(name, weights=None, **arguments)


def trained_normalisation(config: BackboneConfig, network: nn.Module) -> Normalisation:
    """What the network's trained weights expect to see, where the study says nothing else."""
    mean, std = IMAGENET
    described = getattr(network, "pretrained_cfg", None)  # timm's
    if isinstance(described, dict):
        mean, std = described.get("mean", mean), described.get("std", std)
    elif config.name.isidentifier():
        transforms = torchvision.models.get_model_weights(config.name).DEFAULT.transforms()
        mean, std = transforms.mean, transforms.std
    return config.mean or mean, config.std or std


def _timm(name: str) -> Callable[..., nn.Module]:
    try:
        import timm
    except ImportError as error:
        raise ModelError(
            f"model.name=timm/{name} needs timm, which is not installed: install hpo[timm]"
        ) from error
    if not timm.is_model(name.partition(".")[0]):
        near = nearest(name, timm.list_models())
        question = f"; did you mean timm/{near}?" if near else ""
        raise ModelError(
            f"unknown model.name, got 'timm/{name}'{question} timm.list_models() lists all"
        )
    make: Callable[..., nn.Module] = timm.create_model
    return make


def _found(path: str) -> Callable[..., nn.Module]:
    """The callable at `package.module:name`."""
    module, _, attributes = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"model.name={path}: {error}; the module must be where Python finds it, for example "
            "in a folder of PYTHONPATH"
        ) from error
    if not callable(found):
        raise ModelError(f"model.name={path} must be callable, got {type(found).__name__}")
    make: Callable[..., nn.Module] = found
    return make
