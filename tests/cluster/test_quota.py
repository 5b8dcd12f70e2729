"""How many workers fit: quotas and pods as a cluster gives them."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.cluster.laptop.quota import bound


def pod(**more: Any) -> dict[str, Any]:
    resources = {
        "requests": {"cpu": "500m", "memory": "2Gi"},
        "limits": {"memory": "4Gi", "nvidia.com/gpu": "1"},
    }
    return {"containers": [{"name": "worker", "resources": resources}], **more}


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "team"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


@pytest.mark.parametrize(
    ("hard", "used", "workers"),
    [
        ({"pods": "10"}, {"pods": "7"}, 3),
        ({"count/pods": "10"}, {}, 10),
        ({"requests.nvidia.com/gpu": "4"}, {"requests.nvidia.com/gpu": "2"}, 2),
        ({"cpu": "2"}, {"cpu": "250m"}, 3),
        ({"requests.cpu": "2"}, {"requests.cpu": "1900m"}, 0),
        ({"requests.memory": "5Gi"}, {"requests.memory": "0"}, 2),
        ({"limits.memory": "9Gi"}, {"limits.memory": "1Gi"}, 2),
        ({"pods": "10", "limits.memory": "9Gi"}, {"pods": "0", "limits.memory": "1Gi"}, 2),
        ({"pods": "3"}, {"pods": "5"}, 0),
    ],
)
def test_the_tightest_resource_decides(
    hard: dict[str, str], used: dict[str, str], workers: int
) -> None:
    found = bound([quota(hard, used)], pod())
    assert found is not None
    assert found.workers == workers


@pytest.mark.parametrize("hard", [{}, {"configmaps": "5"}, {"limits.cpu": "1"}])
def test_what_a_worker_does_not_take_bounds_nothing(hard: dict[str, str]) -> None:
    assert bound([quota(hard, {})], pod()) is None


def test_workers_that_run_already_are_not_counted_twice() -> None:
    found = bound([quota({"pods": "4"}, {"pods": "4"})], pod(), present=3)
    assert found is not None
    assert found.workers == 3


@pytest.mark.parametrize(
    ("scopes", "counted"),
    [
        (["BestEffort"], False),
        (["Terminating"], False),
        (["NotTerminating", "NotBestEffort"], True),
    ],
)
def test_a_quota_for_other_pods_does_not_count(scopes: list[str], counted: bool) -> None:
    found = bound([quota({"pods": "1"}, {}, scopes=scopes)], pod())
    assert (found is not None) is counted


def test_a_quota_of_a_priority_class_counts_its_pods_alone() -> None:
    term = {"scopeName": "PriorityClass", "operator": "In", "values": ["batch"]}
    batch = quota({"pods": "1"}, {}, scopeSelector={"matchExpressions": [term]})
    assert bound([batch], pod()) is None
    assert bound([batch], pod(priorityClassName="batch")) is not None


def test_an_init_container_counts_where_it_asks_for_more() -> None:
    first = {"name": "first", "resources": {"requests": {"memory": "8Gi"}}}
    found = bound([quota({"requests.memory": "16Gi"}, {})], pod(initContainers=[first]))
    assert found is not None
    assert found.workers == 2


def test_the_bound_says_quota_values_and_number() -> None:
    said = str(bound([quota({"requests.nvidia.com/gpu": "4"}, {})], pod()))
    assert said == ("quota team: 0 of 4 requests.nvidia.com/gpu used, a worker takes 1: 4 fit")
