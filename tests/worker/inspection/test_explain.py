"""Figures of a trained model for a picture; read back as pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from study.errors import DataError

from .conftest import Verb


def test_filters_activations_and_grad_cam_are_drawn(
    verb: Verb, promoted: Path, shapes: Path, home: Path
) -> None:
    ended = verb("explain", promoted, shapes / "top" / "000.png")
    folder = home / "artifacts" / "shapes" / "used" / "0001" / "explanation" / "000"
    files = [folder / name for name in ("filters.png", "activations.png", "grad-cam.png")]
    assert ended.out.split() == [str(file) for file in files]
    for file in files:
        with Image.open(file) as figure:
            figure.load()
            assert figure.convert("L").getextrema() != (255, 255), "something is drawn"


def test_a_file_that_is_no_picture_is_refused(verb: Verb, promoted: Path) -> None:
    with pytest.raises(DataError, match=r"config\.yaml: not a picture"):
        verb("explain", promoted, promoted / "config.yaml")
