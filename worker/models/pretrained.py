"""Trained weights to begin from: found on this machine, checked, put into a backbone.

Nothing is ever downloaded: a trial on a node without a network would hang, and a hundred trials
would fetch a hundred times. Knows nothing of what is trained.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision.models
from torch import Tensor, nn
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from study.config.models import TORCH_HOME, BackboneConfig, ModelConfig
from study.config.records import StudyConfig
from study.dataset import DatasetManifest
from study.errors import ModelError
from worker.models.backbone import Backbone
from worker.models.build import build_model
from worker.models.library import trained_normalisation
from worker.models.misfit import differences

# Densenet's files of before 2018 name the parts of a layer `norm.1` instead of `norm1`, googlenet
# and inception have classifiers half-way that are only of use to train from nothing.
OLD_NAMES = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
HALF_WAY = re.compile(r"(aux\d|AuxLogits)\.")


def initial_model(config: StudyConfig, manifest: DatasetManifest) -> nn.Module:
    """The study's model before its first step, on the CPU. Raises Infeasible where the parameters
    cannot be built into a model, ModelError where the weights to begin from are missing."""
    model = build_model(
        config.model,
        channels=manifest.channels,
        image_size=config.data.image_size,
        n_classes=manifest.n_classes,
    )
    begin_from_weights(model, config.model, mean=manifest.mean, std=manifest.std)
    return model


def begin_from_weights(
    model: nn.Module, config: ModelConfig, *, mean: Sequence[float], std: Sequence[float]
) -> None:
    """Puts the weights that a configuration names into a model of it; the last layer stays new.

    mean, std: of the data set, per channel in [0, 1], which pictures are normalised by. Raises
    ModelError where the weights are missing, damaged or of another network.
    """
    if not isinstance(config, BackboneConfig) or config.weights is None:
        return
    assert isinstance(model, Backbone)
    path = weights_file(config)
    _put(_read(path), model, config, path)
    _renormalise(model, trained_normalisation(config, model.network), (mean, std))


def weights_file(config: BackboneConfig) -> Path:
    """Where the weights are. Raises ModelError where they are not."""
    assert config.weights is not None
    if config.weights == TORCH_HOME:
        return _in_torch_home(config.name)
    path = Path(config.weights)
    if not path.is_file():
        raise ModelError(f"model.weights: no file {path}: put the weights of {config.name} there")
    return path


def _in_torch_home(name: str) -> Path:
    if not name.isidentifier():
        raise ModelError(
            f"model.weights=torch_home goes with torchvision's names, got model.name={name}: "
            "give the path of a file with its weights"
        )
    url: str = torchvision.models.get_model_weights(name).DEFAULT.url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.is_file():
        raise ModelError(
            f"model.weights=torch_home: no file {path}, and trials download nothing: "
            f"put {url} there, set TORCH_HOME to where it is, "
            "or begin from fresh weights with model.weights=null"
        )
    return path


def _read(path: Path) -> dict[str, Tensor]:
    """A state_dict from a file, on the CPU. Never runs code that a file might bring along."""
    try:
        _check_digits(path)
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file  # comes with timm, whose weights they are

            return load_file(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # over damaged files torch raises anything
        first = str(error).partition("\n")[0]
        raise ModelError(f"{path}: cannot be read as weights: {first}") from error
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(map(torch.is_tensor, content.values())):
        raise ModelError(f"{path}: must hold a state_dict, got {type(content).__name__}")
    return dict(content)


def _check_digits(path: Path) -> None:
    """Files in TORCH_HOME are named by the beginning of their sha256, as torch.hub checks it."""
    digits = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if digits is None or path.parent.parent != Path(torch.hub.get_dir()):
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()[: len(digits[1])]
    if found != digits[1]:
        raise ValueError(f"the name says sha256 {digits[1]}…, the bytes have {found}…: damaged")


def _put(state: dict[str, Tensor], model: Backbone, config: BackboneConfig, path: Path) -> None:
    network, head = model.network, f"{model.head_name}."
    given = {
        OLD_NAMES.sub(r"\1\2", name): tensor
        for name, tensor in state.items()
        if not name.startswith(head) and not HALF_WAY.match(name)
    }
    if isinstance(network, VisionTransformer) and "encoder.pos_embedding" in given:
        size, patch = network.image_size, network.patch_size
        given = interpolate_embeddings(size, patch, given)
    # batch norms count batches since PyTorch 0.4.1; files of before go without
    wanted = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.startswith(head) and (name in given or not name.endswith("num_batches_tracked"))
    }
    if reason := differences(wanted, given):
        raise ModelError(f"{path}: not weights of model.name={config.name}: {reason}")
    network.load_state_dict(given, strict=False)  # all but the last layer is there


def _renormalise(
    model: Backbone,
    trained: tuple[Sequence[float], Sequence[float]],
    data: tuple[Sequence[float], Sequence[float]],
) -> None:
    """(x - m) / s of the data set to (x - m') / s' of the weights: times s / s', plus
    (m - m') / s'."""
    (their_mean, their_std), (mean, std) = (
        [torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in pair]
        for pair in (trained, data)
    )
    model.scale.copy_((std / their_std).expand_as(model.scale))
    model.shift.copy_(((mean - their_mean) / their_std).expand_as(model.shift))
