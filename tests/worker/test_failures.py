"""What follows from the way a trial failed."""

from __future__ import annotations

import signal

import pytest
import torch

from study.errors import ObjectStoreAway
from study.lease import Lease, Outcome
from worker.diagnosis import diagnose
from worker.failures import End, GiveBack, crashed, policy

LEASE = Lease(trial_id=1, number=0, token=1, worker="worker-0")
NO_MEMORY = diagnose(torch.OutOfMemoryError("CUDA out of memory"))


def test_a_trial_whose_object_store_is_away_is_given_back_and_not_lost() -> None:
    verdict = policy(diagnose(ObjectStoreAway("no answer")), LEASE, memory_retries=0, crowded=False)
    assert verdict == GiveBack(reason="no answer")
    assert isinstance(verdict, GiveBack)
    assert not verdict.lost, "it counts as no attempt"


def test_out_of_memory_alone_is_tried_in_parts_and_then_infeasible() -> None:
    assert policy(NO_MEMORY, LEASE, memory_retries=1, crowded=False) == GiveBack(
        out_of_memory=True, reason="CUDA out of memory"
    )
    last = policy(NO_MEMORY, LEASE, memory_retries=0, crowded=False)
    assert isinstance(last, End)
    assert last.outcome is Outcome.INFEASIBLE


@pytest.mark.parametrize("retries", [0, 2])
def test_out_of_memory_beside_others_is_charged_no_retry(retries: int) -> None:
    assert policy(NO_MEMORY, LEASE, memory_retries=retries, crowded=True) == GiveBack(
        crowded=True, reason="beside other trials: CUDA out of memory"
    )


def test_sigkill_beside_others_is_taken_for_want_of_memory() -> None:
    beside = crashed(-signal.SIGKILL, crowded=True)
    assert (beside.crowded, beside.lost) == (True, False)
    alone = crashed(-signal.SIGKILL, crowded=False)
    assert (alone.crowded, alone.lost) == (False, True)


@pytest.mark.parametrize("status", [-signal.SIGSEGV, 1, None])
def test_other_deaths_beside_others_count_as_attempts(status: int | None) -> None:
    verdict = crashed(status, crowded=True)
    assert (verdict.crowded, verdict.lost) == (False, True)
