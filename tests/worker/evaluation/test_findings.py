from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from worker.evaluation.findings import KEPT_MISTAKES, describe, find

ROWS = np.arange(100, 106)
LOGITS = torch.tensor(
    [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 1.0, 0.0], [9, 0, 0]]
)
LABELS = torch.tensor([0, 0, 1, 2, 1, 0])
NAMES = [f"{row}.png" for row in range(106)]


def test_a_picture_counts_in_the_row_of_its_class_and_the_column_it_was_taken_for() -> None:
    assert find(LOGITS, LABELS, ROWS)["confusion"].tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]


def test_mistakes_are_those_that_were_surest_the_worst_first() -> None:
    worst, other = find(LOGITS, LABELS, ROWS)["mistakes"]
    assert (worst["row"], worst["true"], worst["predicted"]) == (101, 0, 1)
    assert (other["row"], other["true"], other["predicted"]) == (102, 1, 0)
    assert worst["confidence"] == pytest.approx(1 / (1 + 2 * math.exp(-9)))


def test_no_more_mistakes_are_kept_than_are_shown() -> None:
    found = find(torch.eye(2)[[0] * 50], torch.ones(50, dtype=torch.int64), np.arange(50))
    assert len(found["mistakes"]) == KEPT_MISTAKES


def test_a_model_without_mistakes_has_none() -> None:
    assert find(torch.eye(3), torch.arange(3), np.arange(3))["mistakes"] == []


def test_a_result_says_how_each_class_was_told_and_marks_those_with_few_pictures() -> None:
    logits = torch.cat([LOGITS, LOGITS[:1].expand(4, 3)])
    labels = torch.cat([LABELS, torch.zeros(4, dtype=torch.int64)])
    found = find(logits, labels, np.zeros(10, dtype=np.int64))
    result = describe(found, {"f1": 0.5, "roc_auc": math.nan}, ["cat", "dog", "panda"], NAMES)
    told = json.loads(json.dumps(result, allow_nan=False))
    assert told["per_class"]["cat"] == pytest.approx(
        {"precision": 6 / 7, "recall": 6 / 7, "f1": 6 / 7, "support": 7}
    )
    assert told["low_support"] == ["dog", "panda"]
    assert told["metrics"] == {"f1": 0.5}
    assert told["mistakes"][0]["name"] == "0.png"
