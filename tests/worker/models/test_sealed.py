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
from worker.models.weights import load_weights, seal_weights


def test_a_file_name_carries_the_checksum_of_its_bytes(tmp_path: Path) -> None:
    numbers = torch.arange(3)
    sealed = seal("checkpoint-00001", {"a": numbers, "b": [1.5, None, "x"]})
    numbers += 7  # what was sealed stays
    path = sealed.write(tmp_path)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == sealed.name == f"checkpoint-00001-{digest[:12]}.pt"
    content = unseal(path)
    assert content["a"].tolist() == [0, 1, 2]
    assert content["b"] == [1.5, None, "x"]
    assert [path.name for path in tmp_path.iterdir()] == [sealed.name]


@settings(max_examples=30)
@given(data=st.data())
def test_any_flipped_byte_and_any_cut_is_noticed(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("sealed")
    path = seal("best", {"weights": torch.zeros(8)}).write(directory)
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
    path = seal_weights("best-00004", block, {"epoch": 4, "value": 0.5}).write(tmp_path)

    weights = load_weights(path)
    assert weights.meta == {"epoch": 4, "value": 0.5}
    assert weights.state.keys() == block.state_dict().keys()
    torch.testing.assert_close(dict(weights.state), dict(block.state_dict()), rtol=0, atol=0)
