"""Features drawn from known distributions, and what is said to be beyond them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from worker.evaluation.likeness import Likeness, fit, is_unlike, load_likeness, save_likeness

PICTURES, FEATURES = 2000, 8


def drawn(seed: int, shift: float = 0.0) -> dict[str, Tensor]:
    """Two layers; the second one's features hardly vary but along one direction."""
    random = torch.Generator().manual_seed(seed)
    first = torch.randn(PICTURES, FEATURES, generator=random)
    along = torch.randn(PICTURES, 1, generator=random) * torch.ones(FEATURES)
    return {"first": first + shift, "last": along + 0.1 * first}


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return fit(drawn(0), drawn(1), quantile=0.01)


def test_the_asked_share_of_held_out_pictures_is_unlike(likeness: Likeness) -> None:
    assert is_unlike(likeness.distances(drawn(1))).sum() == 0.01 * PICTURES


def test_others_of_the_same_kind_are_seldom_unlike(likeness: Likeness) -> None:
    share = is_unlike(likeness.distances(drawn(2))).double().mean()
    assert 0.003 < share < 0.03


def test_one_layer_that_is_far_is_enough(likeness: Likeness) -> None:
    assert is_unlike(likeness.distances(drawn(2, shift=5.0))).all()


def test_what_never_varied_in_training_counts_more_than_what_did(likeness: Likeness) -> None:
    common = torch.full((1, FEATURES), 2.0)
    odd = common * torch.tensor([1.0, -1.0] * (FEATURES // 2))
    first = torch.zeros(1, FEATURES)
    assert not is_unlike(likeness.distances({"first": first, "last": common})).item()
    assert is_unlike(likeness.distances({"first": first, "last": odd})).item()


def test_a_feature_that_is_always_the_same_and_more_features_than_pictures_are_borne() -> None:
    few = {"last": torch.cat([torch.randn(5, 20), torch.zeros(5, 1)], dim=1)}
    found = fit(few, few, quantile=0.01)
    assert found.distances(few).isfinite().all()
    same = {"last": torch.ones(3, 4)}
    assert not is_unlike(fit(same, same, quantile=0.01).distances(same)).any()


def test_a_picture_without_a_distance_is_unlike(likeness: Likeness) -> None:
    features = {name: torch.full((1, FEATURES), torch.nan) for name in likeness.layers}
    assert is_unlike(likeness.distances(features)).item()


def test_it_comes_back_from_its_file(likeness: Likeness, tmp_path: Path) -> None:
    save_likeness(likeness, tmp_path / "likeness.pt")
    features = drawn(2)
    again = load_likeness(tmp_path / "likeness.pt").distances(features)
    assert torch.equal(again, likeness.distances(features))
