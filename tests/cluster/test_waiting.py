"""What the cluster says of a pod that does not start becomes one line that says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.cluster.waiting import find_reason, why_waiting

Object = dict[str, Any]


def pod(name: str = "worker-birds-0-abcde", phase: str = "Pending", **status: Any) -> Object:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    return {
        "metadata": {"name": name},
        "spec": {"volumes": volumes},
        "status": {"phase": phase, **status},
    }


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    container = {"name": "worker", "image": "hpo-worker:0.1.0", "state": state, **more}
    return pod(containerStatuses=[container])


def unscheduled(message: str, reason: str = "Unschedulable") -> Object:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": reason,
        "message": message,
    }
    return pod(conditions=[condition])


def event(kind: str, name: str, reason: str, message: str, minute: int = 0) -> Object:
    return {
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-01-01T10:{minute:02}:00Z",
    }


def claim(name: str = "data", phase: str = "Pending", **spec: Any) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], **spec},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_cannot_be_pulled_is_named_with_where_to_say_another(reason: str) -> None:
    found = find_reason([waiting(reason, 'Back-off pulling image "hpo-worker:0.1.0"')], [], [])
    assert found is not None
    assert found.settled
    assert found.text.startswith(
        "pod worker-birds-0-abcde: image hpo-worker:0.1.0 cannot be pulled"
    )
    assert "IMAGE_PREFIX=" in found.text


def test_the_first_failed_pull_may_pass_by_itself() -> None:
    found = find_reason([waiting("ErrImagePull", "connection reset")], [], [])
    assert found is not None
    assert not found.settled


def test_a_missing_secret_says_who_makes_it() -> None:
    told = why_waiting(
        [waiting("CreateContainerConfigError", 'secret "database" not found')], [], []
    )
    assert 'secret "database" not found; `make deploy`' in told


def test_a_program_that_ends_again_and_again_says_its_last_words() -> None:
    ended = {"terminated": {"exitCode": 2, "message": "hpo: the data directory is version 17's\n"}}
    told = why_waiting([waiting("CrashLoopBackOff", "back-off", lastState=ended)], [], [])
    assert told.endswith("worker ends again and again: hpo: the data directory is version 17's")
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    assert "memory limit" in why_waiting([waiting("CrashLoopBackOff", lastState=ended)], [], [])
    assert "exit status unknown" in why_waiting([waiting("CrashLoopBackOff")], [], [])


def test_a_missing_gpu_is_named_with_the_overlay_that_needs_none() -> None:
    message = (
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are"
        " available: 3 No preemption victims found for incoming pod."
    )
    told = why_waiting([unscheduled(message)], [], [])
    assert "no node has a free nvidia.com/gpu" in told
    assert "OVERLAY=cpu" in told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.", "cpu and memory"),
        ("0/1 nodes are available: 1 node(s) had untolerated taint {spot: true}.", "untolerated"),
        ("0/2 nodes are available: 2 node(s) had volume node affinity conflict.", "=rwx"),
        (
            "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
            "=rwx",
        ),
    ],
)
def test_what_keeps_a_pod_from_every_node_is_told(message: str, told: str) -> None:
    found = find_reason([unscheduled(message)], [], [])
    assert found is not None
    assert told in found.text
    assert not found.settled  # nodes come and go


def test_a_gated_pod_waits_for_its_queue() -> None:
    assert "queue" in why_waiting([unscheduled("", "SchedulingGated")], [], [])


def test_a_claim_without_a_default_storage_class_is_told_before_the_pod_that_waits_for_it() -> None:
    message = "no persistent volumes available for this claim and no storage class is set"
    found = find_reason(
        [unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")],
        [event("PersistentVolumeClaim", "data", "FailedBinding", message)],
        [claim()],
    )
    assert found is not None
    assert found.settled
    assert "volume data: the cluster has no default StorageClass" in found.text


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ('storageclass.storage.k8s.io "fast" not found', "there is no StorageClass 'fast'"),
        ("failed to provision: Only support ReadWriteOnce access mode", "without component rwx"),
        ("rpc error: deadline exceeded", "rpc error"),
    ],
)
def test_a_claim_that_cannot_be_provisioned_says_why(message: str, told: str) -> None:
    events = [event("PersistentVolumeClaim", "data", "ProvisioningFailed", message)]
    assert told in why_waiting([pod()], events, [claim(storageClassName="fast")])


def test_a_claim_that_waits_for_its_first_pod_is_no_reason() -> None:
    assert why_waiting([], [], [claim(storageClassName="local-path")]) == ""
    running = pod(phase="Running")
    assert why_waiting([running], [], [claim("backups")]) == ""  # no pod waits for it


def test_an_exceeded_quota_is_told_until_a_pod_could_be_made() -> None:
    message = (
        'Error creating: pods "worker-birds-0-x" is forbidden: exceeded quota: team, requested:'
        " requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=8, limited:"
        " requests.nvidia.com/gpu=8"
    )
    failed = event("Job", "worker-birds", "FailedCreate", message, minute=1)
    found = find_reason([], [failed], [])
    assert found is not None
    assert found.text.startswith("Job worker-birds: exceeded quota: team, requested:")
    assert found.settled
    made = event("Job", "worker-birds", "SuccessfulCreate", "Created pod: x", minute=2)
    assert why_waiting([], [made, failed], []) == ""


def test_a_pod_that_pod_security_refuses_is_told() -> None:
    message = 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": ...'
    told = why_waiting([], [event("Job", "worker-birds", "FailedCreate", message)], [])
    assert "pod security refuses its pod" in told


def test_a_volume_in_use_on_another_node_is_told_with_the_way_out() -> None:
    message = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) coordinator'
    events = [event("Pod", "worker-birds-0-abcde", "FailedAttachVolume", message)]
    assert "COMPONENTS=rwx" in why_waiting([waiting("ContainerCreating")], events, [])


def test_a_pod_whose_containers_are_being_created_says_so() -> None:
    assert why_waiting([waiting("ContainerCreating")], [], []) == (
        "pod worker-birds-0-abcde: its containers are being created"
    )


def test_a_pod_that_runs_unready_says_what_its_probe_got() -> None:
    running = pod(phase="Running", containerStatuses=[{"name": "worker", "ready": False}])
    message = "Readiness probe failed: HTTP probe failed with statuscode: 503\n"
    events = [event("Pod", "worker-birds-0-abcde", "Unhealthy", message)]
    assert why_waiting([running], events, []).endswith("statuscode: 503")


def test_nothing_waits_where_all_run_or_have_ended() -> None:
    ready = pod(phase="Running", containerStatuses=[{"name": "worker", "ready": True}])
    assert why_waiting([ready, pod(phase="Succeeded"), pod(phase="Failed")], [], []) == ""


def test_the_same_trouble_of_several_pods_is_told_once_and_on_one_line() -> None:
    pods = [waiting("ImagePullBackOff", "no such\nhost") for _ in range(3)]
    told = why_waiting(pods, [], [])
    assert "and 2 more: image" in told
    assert "\n" not in told


def test_what_will_not_pass_is_told_before_what_may() -> None:
    gpu = unscheduled("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
    told = why_waiting([gpu, waiting("ImagePullBackOff")], [], [])
    assert "cannot be pulled" in told
