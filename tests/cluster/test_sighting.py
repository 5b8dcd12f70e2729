"""What a coordinator takes for its own."""

from __future__ import annotations

import pytest

from coordinator.cluster.service.sighting import is_worker_of

LONG = "a" * 49 + "b"  # as long as a study's name may be


@pytest.mark.parametrize(
    ("name", "study", "is_it"),
    [
        ("worker-birds-0-x7k2p", "birds", True),
        ("worker-birds-12-x7k2p", "birds", True),
        ("worker-birds-two-0-x7k2p", "birds", False),
        ("worker-birds-0-x7k2p", "birds-0", False),
        ("laptop-17-3f2a1b", "birds", False),
        # cut by the Job controller, so that 63 characters are not exceeded
        (f"worker-{'a' * 48}-0-x7k2p", LONG, True),
        (f"worker-{'a' * 47}-10-x7k2p", LONG, True),
        (f"worker-{LONG}-0-x7k2p", LONG, False),
    ],
)
def test_a_workers_pod_is_known_by_its_name(name: str, study: str, is_it: bool) -> None:
    assert is_worker_of(name, study) is is_it
