from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms import v2

from study.config.augmentation import AugmentationConfig
from worker.data.affine import shifted
from worker.data.colour import Change
from worker.data.draws import Span
from worker.data.policies import MOTIONS, OPERATIONS, Drawn, draw_policy

THEIR_NAMES = {
    **{"identity": "Identity", "shear_x": "ShearX", "shear_y": "ShearY"},
    **{"translate_x": "TranslateX", "translate_y": "TranslateY", "rotate": "Rotate"},
    **{"brightness": "Brightness", "saturation": "Color", "contrast": "Contrast"},
    **{"sharpness": "Sharpness", "posterise": "Posterize", "solarise": "Solarize"},
    **{"autocontrast": "AutoContrast", "equalise": "Equalize"},
}
FACTORS = ("brightness", "saturation", "contrast", "sharpness")


def drawn(config: AugmentationConfig, span: Span) -> Drawn:
    found = draw_policy(config, span)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "theirs"),
    [("randaugment", v2.RandAugment), ("trivialaugment", v2.TrivialAugmentWide)],
)
def test_operations_and_strengths_are_torchvisions(field: str, theirs: type[v2.Transform]) -> None:
    space = theirs._AUGMENTATION_SPACE
    assert {THEIR_NAMES[name] for name in OPERATIONS} == space.keys()
    for name, operation in OPERATIONS.items():
        strengths, signed = space[THEIR_NAMES[name]]
        # (bins, height, width): in 224 pixels both call a shift the same
        wanted: Tensor | None = strengths(31, 224, 224)
        assert signed == operation.signed
        if wanted is not None:
            offset = 1.0 if name in FACTORS else 0.0
            scale = 224 if name.startswith("translate") else 1
            weakest, strongest = operation.weakest, getattr(operation, field)
            found = [(end - offset) * scale for end in (weakest, strongest)]
            assert found == pytest.approx([wanted[0].item(), wanted[-1].item()])


@given(st.integers(1, 8), st.floats(0, 30), st.integers(0, 40), st.integers(1, 20))
def test_a_policy_of_a_batch_does_not_depend_on_those_before_it(
    operations: int, magnitude: float, start: int, count: int
) -> None:
    config = AugmentationConfig(policy="randaugment", operations=operations, magnitude=magnitude)
    every, part = drawn(config, Span(3, 2, 0, 60)), drawn(config, Span(3, 2, start, count))
    np.testing.assert_array_equal(part.motion, every.motion[start : start + count])
    assert told(part.changes, 0, count) == told(every.changes, start, count)


def told(changes: tuple[Change, ...], start: int, count: int) -> list[tuple[str, int, float]]:
    """What is done to each of `count` pictures, in this order."""
    return [
        (change.operation, int(row) - start, float(strength))
        for change in changes
        for row, strength in zip(change.rows, change.strengths, strict=True)
        if start <= row < start + count
    ]


def test_randaugment_gives_each_picture_as_many_operations_of_equal_chance() -> None:
    config = AugmentationConfig(policy="randaugment", operations=3, magnitude=15)
    found = drawn(config, Span(0, 0, 0, 7000))
    counts = dict.fromkeys(OPERATIONS, 0)
    for change in found.changes:
        counts[change.operation] += len(change.rows)
    for name in set(OPERATIONS) - set(MOTIONS) - {"identity"}:
        assert counts[name] / 7000 == pytest.approx(3 / len(OPERATIONS), rel=0.1)
    bits = next(change for change in found.changes if change.operation == "posterise")
    assert set(bits.strengths) == {6.0}
    light = next(change for change in found.changes if change.operation == "brightness")
    assert set(light.strengths.round(6)) == {0.55, 1.45}


def test_trivialaugment_gives_each_picture_one_operation_of_any_strength() -> None:
    config = AugmentationConfig(policy="trivialaugment", operations=3)
    found = drawn(config, Span(0, 0, 0, 7000))
    still = (found.motion == shifted(np.zeros(1), np.zeros(1))).all(axis=(1, 2))
    changed = np.concatenate([change.rows for change in found.changes])
    assert len(np.unique(changed)) == len(changed)
    assert not set(changed) & set(np.flatnonzero(~still))
    bits = next(change for change in found.changes if change.operation == "posterise")
    assert set(bits.strengths) == {2, 3, 4, 5, 6, 7, 8}


def test_without_a_policy_nothing_is_drawn() -> None:
    assert draw_policy(AugmentationConfig(), Span(0, 0, 0, 5)) is None
