"""Trained weights: seen as they were trained to see, never downloaded, refused where they do not
fit."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.models
from torch import Tensor, nn

from study.config.models import BackboneConfig
from study.errors import ModelError
from tests.worker.models.small_network import SmallNetwork
from worker.models.backbone import Backbone
from worker.models.build import build_model
from worker.models.pretrained import OLD_NAMES, begin_from_weights

SMALL = "tests.worker.models.small_network:SmallNetwork"
DATA = {"mean": (0.3, 0.4, 0.5), "std": (0.1, 0.2, 0.3)}
PIXELS = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def normalised(pixels: Tensor, mean: Any, std: Any) -> Tensor:
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (mean, std))
    return (pixels - mean) / std


def pretrained(config: BackboneConfig, size: int = 32, **data: Any) -> Backbone:
    model = build_model(config, channels=3, image_size=size, n_classes=5)
    begin_from_weights(model, config, **{**DATA, **data})
    assert isinstance(model, Backbone)
    return model.eval()


def trained(network: nn.Module) -> nn.Module:
    """With statistics that are not those of a new one."""
    network.train()
    with torch.no_grad():
        network(PIXELS * 3 - 1)
    return network.eval()


@pytest.mark.parametrize(
    ("name", "fields", "sees"),
    [
        ("mobilenet_v3_small", {}, ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
        (
            SMALL,
            {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3},
            ((127 / 255,) * 3, (128 / 255,) * 3),
        ),
    ],
)
def test_the_network_sees_pictures_as_its_weights_were_trained_to(
    name: str, fields: Any, sees: Any, tmp_path: Path
) -> None:
    made = SmallNetwork() if name == SMALL else torchvision.models.get_model(name)
    network = trained(made)
    file = tmp_path / "weights.pth"
    torch.save({"state_dict": network.state_dict()}, file)
    model = pretrained(BackboneConfig(name=name, weights=str(file), **fields))

    network.set_submodule(model.head_name, model.network.get_submodule(model.head_name))
    expected = network(normalised(PIXELS, *sees))
    found = model(normalised(PIXELS, DATA["mean"], DATA["std"]))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_gray_data_set_is_seen_in_three_equal_channels(tmp_path: Path) -> None:
    network = trained(SmallNetwork())
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    config = BackboneConfig(name=SMALL, weights=str(tmp_path / "weights.pth"))
    model = pretrained(config, mean=(0.3,), std=(0.2,))
    network.set_submodule("top", model.network.top)
    gray = PIXELS[:, :1]
    expected = network(
        normalised(gray.expand(-1, 3, -1, -1), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    found = model(normalised(gray, (0.3,), (0.2,)))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_the_weights_of_a_trial_need_no_file_any_more(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(SmallNetwork().state_dict(), file)
    config = BackboneConfig(name=SMALL, weights=str(file))
    model = pretrained(config)
    file.unlink()
    again = build_model(config, channels=3, image_size=32, n_classes=5).eval()
    again.load_state_dict(model.state_dict())
    torch.testing.assert_close(again(PIXELS), model(PIXELS), rtol=0, atol=0)


def test_a_transformer_s_positions_are_interpolated_to_the_picture_s_size(tmp_path: Path) -> None:
    file = tmp_path / "vit.pth"
    network = torchvision.models.vit_b_32(image_size=64)
    torch.save(network.state_dict(), file)
    model = pretrained(BackboneConfig(name="vit_b_32", weights=str(file)), size=96)
    assert model.network.encoder.pos_embedding.shape == (1, 1 + 3 * 3, 768)
    assert model(torch.zeros(1, 3, 96, 96)).shape == (1, 5)


@pytest.fixture
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of TORCH_HOME that torchvision downloads to."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_torch_home_is_where_torchvision_would_have_put_the_file(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = trained(torchvision.models.mobilenet_v3_small())
    torch.save(network.state_dict(), checkpoints / "new.pth")
    digits = hashlib.sha256((checkpoints / "new.pth").read_bytes()).hexdigest()[:8]
    (checkpoints / "new.pth").rename(checkpoints / f"small-{digits}.pth")
    weights = torchvision.models.MobileNet_V3_Small_Weights.DEFAULT
    moved = dataclasses.replace(weights.value, url=f"https://x.org/small-{digits}.pth")
    monkeypatch.setattr(weights, "_value_", moved)
    model = pretrained(BackboneConfig(name="mobilenet_v3_small", weights="torch_home"))
    ours, theirs = model.network.features.state_dict(), network.features.state_dict()
    torch.testing.assert_close(dict(ours), dict(theirs), rtol=0, atol=0)


def test_densenets_of_before_2018_have_the_names_of_today() -> None:
    layer = "features.denseblock1.denselayer6"
    assert OLD_NAMES.sub(r"\1\2", f"{layer}.norm.2.bias") == f"{layer}.norm2.bias"
    assert OLD_NAMES.sub(r"\1\2", f"{layer}.conv1.weight") == f"{layer}.conv1.weight"
    names = torchvision.models.densenet121().state_dict()
    assert f"{layer}.norm2.bias" in names


def test_what_would_have_to_be_downloaded_is_named_and_not_downloaded(checkpoints: Path) -> None:
    with pytest.raises(ModelError) as caught:
        pretrained(BackboneConfig(name="resnet18", weights="torch_home"))
    assert str(caught.value) == (
        f"model.weights=torch_home: no file {checkpoints / 'resnet18-f37072fd.pth'}, and trials "
        "download nothing: put https://download.pytorch.org/models/resnet18-f37072fd.pth there, "
        "set TORCH_HOME to where it is, or begin from fresh weights with model.weights=null"
    )


def test_a_file_of_torch_home_whose_bytes_are_not_its_name_s_is_refused(checkpoints: Path) -> None:
    torch.save({}, checkpoints / "resnet18-f37072fd.pth")
    with pytest.raises(ModelError, match=r"the name says sha256 f37072fd…, the bytes have"):
        pretrained(BackboneConfig(name="resnet18", weights="torch_home"))


def test_torch_home_has_only_torchvision_s_networks() -> None:
    with pytest.raises(ModelError, match=r"goes with torchvision's names, got model\.name=tests"):
        pretrained(BackboneConfig(name=SMALL, weights="torch_home"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"model\.weights: no file .*weights\.pth: put the weights of tests\.worker"),
        (b"PK\x03\x04 and no more", "cannot be read as weights"),
        ([1, 2], "must hold a state_dict, got list"),
        (SmallNetwork(width=7).state_dict(), r"first.0.bias is \(6,\) in the model and \(7,\) in"),
        (torchvision.models.squeezenet1_1().state_dict(), "the model has first.0.bias"),
    ],
    ids=["missing", "damaged", "no weights", "another width", "another network"],
)
def test_weights_that_do_not_fit_are_refused_with_both_sides_named(
    content: Any, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        torch.save(content, file)
    with pytest.raises(ModelError, match=said) as caught:
        pretrained(BackboneConfig(name=SMALL, weights=str(file)))
    assert "\n" not in str(caught.value)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save({"a": Path("x")}, file)
    with pytest.raises(ModelError, match=r"cannot be read as weights: Weights only load failed"):
        pretrained(BackboneConfig(name=SMALL, weights=str(file)))
