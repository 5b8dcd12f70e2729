from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from study.errors import CheckpointCorrupt
from worker.models.dynamic_cnn import ConvolutionBlock
from worker.models.sealed import seal, unseal
from worker.models.weights import load_weights, save_weights


def test_a_file_name_carries_the_checksum_of_its_bytes(tmp_path: Path) -> None:
    name = seal(tmp_path, "checkpoint-00001", {"a": torch.arange(3), "b": [1.5, None, "x"]})

    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert name == f"checkpoint-00001-{digest[:12]}.pt"
    content = unseal(tmp_path / name)
    assert content["a"].tolist() == [0, 1, 2]
    assert content["b"] == [1.5, None, "x"]
    assert [path.name for path in tmp_path.iterdir()] == [name]


@settings(max_examples=30)
@given(data=st.data())
def test_any_flipped_byte_and_any_cut_is_noticed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("sealed")
    path = directory / seal(directory, "best", {"weights": torch.zeros(8)})
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        content = content[:place]
    path.write_bytes(content)
    with pytest.raises(CheckpointCorrupt, match="the file is damaged"):
        unseal(path)


def test_a_missing_file_is_corrupt_and_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointCorrupt, match=r"gone-0123\.pt: cannot be read: No such file"):
        unseal(tmp_path / "gone-0123.pt")


def test_weights_come_back_with_their_meta(tmp_path: Path) -> None:
    block = ConvolutionBlock(1, 2, 3)
    name = save_weights(tmp_path, "best-00004", block.state_dict(), {"epoch": 4, "value": 0.5})

    weights = load_weights(tmp_path / name)
    assert weights.meta == {"epoch": 4, "value": 0.5}
    assert weights.state.keys() == block.state_dict().keys()
    torch.testing.assert_close(dict(weights.state), dict(block.state_dict()), rtol=0, atol=0)
