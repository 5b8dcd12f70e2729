"""What is decided for the pictures of a study."""

from __future__ import annotations

from coordinator.cluster.records import Request
from coordinator.cluster.service.actions import (
    DeleteJob,
    Prepare,
    Register,
)
from coordinator.cluster.service.decide import decide
from coordinator.cluster.service.decision import Decision
from tests.cluster.situations import (
    CONFIG,
    PACKED,
    STORE,
    Situation,
    ended,
    job,
    progress,
    seen,
    table,
)

MOVED = CONFIG.model_copy(
    update={"data": CONFIG.data.model_copy(update={"source": "/data/elsewhere.zip"})}
)
SITUATIONS: list[Situation] = [
    ("a new study is packed", seen(), "preparing", [Prepare()]),
    ("while it is packed nothing is done", seen(jobs={"prepare": job("prepare")}), "preparing", []),
    (
        "a packed study is registered",
        seen(jobs={"prepare": job("prepare", outcome="complete")}, pods=(PACKED,)),
        "preparing",
        [Register(STORE)],
    ),
    (
        "a preparation whose result is lost is done again",
        seen(jobs={"prepare": job("prepare", outcome="complete")}),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "its result is lost")],
    ),
    (
        "a preparation of other data is done again",
        seen(jobs={"prepare": job("prepare", made_for="other")}),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "it packs other data")],
    ),
    (
        "a preparation that failed before the person tried again is done again",
        seen(
            jobs={"prepare": job("prepare", outcome="failed")},
            request=Request(revision=2, workers=2, retry=2),
        ),
        "preparing",
        [DeleteJob("prepare", "uid-prepare", "it is tried again")],
    ),
    (
        "pictures that were moved are packed again",
        seen(progress(), config=MOVED),
        "preparing",
        [Prepare()],
    ),
    (
        "a data set that vanished is packed again",
        seen(progress(), packed=()),
        "preparing",
        [Prepare()],
    ),
]


test_what_follows = table(SITUATIONS)


def test_a_failed_preparation_is_told_in_its_own_words() -> None:
    failed = ended("prepare-birds-abcde", 2, "hpo-worker: /data: no pictures\n")
    decision = decide(seen(jobs={"prepare": job("prepare", outcome="failed")}, pods=(failed,)))
    assert decision == Decision(
        "failed", reason="the pictures cannot be packed: /data: no pictures"
    )


def test_how_far_packing_is_is_told() -> None:
    packing = seen(jobs={"prepare": job("prepare")}, packing="packing the pictures: 3 of 9")
    assert decide(packing).reason == "packing the pictures: 3 of 9"


def test_a_packed_data_set_that_is_not_on_the_volume_is_told() -> None:
    packed = {"prepare": job("prepare", outcome="complete")}
    decision = decide(seen(jobs=packed, pods=(PACKED,), packed=()))
    assert decision.phase == "failed"
    assert "not on the volume" in decision.reason
