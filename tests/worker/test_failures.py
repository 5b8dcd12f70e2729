"""What follows from the way a trial failed."""

from __future__ import annotations

from study.errors import ObjectStoreAway
from study.lease import Lease
from worker.diagnosis import diagnose
from worker.failures import GiveBack, policy


def test_a_trial_whose_object_store_is_away_is_given_back_and_not_lost() -> None:
    lease = Lease(trial_id=1, number=0, token=1, worker="worker-0")
    verdict = policy(diagnose(ObjectStoreAway("no answer")), lease, memory_retries=0)
    assert verdict == GiveBack(reason="no answer")
    assert isinstance(verdict, GiveBack)
    assert not verdict.lost, "it counts as no attempt"
