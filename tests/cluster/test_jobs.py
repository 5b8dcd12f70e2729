"""Jobs filled from the PodTemplates of every overlay, checked by Kubernetes' own schemas."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest

from coordinator.cluster.jobs import measure_job, plan_job, prepare_job, scale_patch, worker_job
from study.config.data import DataConfig
from study.config.records import ResourcesConfig
from tests.cluster.fake.job_rules import check_new_job
from tests.k8s.conftest import OVERLAYS, build
from tests.k8s.restricted import violations

Object = dict[str, Any]
ANYTHING = ResourcesConfig()
DATA = DataConfig(source="/data/birds", image_size=16)


def template(name: str = "worker", overlay: str = "cpu") -> Object:
    return copy.deepcopy(build(overlay).get("PodTemplate", name))


def workers(count: int = 3, overlay: str = "cpu", **resources: Any) -> Object:
    wanted = ResourcesConfig(**resources)
    return worker_job(template(overlay=overlay), "birds", wanted, workers=count, revision=7)


def measuring(overlay: str = "cpu") -> Object:
    arguments = ["measure", "--trials", "3,7", "--output", "/artifacts/birds/promoted/.new-3-7"]
    return measure_job(template(overlay=overlay), "birds", ANYTHING, [3, 7], arguments, revision=7)


def every(overlay: str) -> list[Object]:
    configuration = {"configuration": "plan-birds"}
    return [
        workers(overlay=overlay),
        workers(1, overlay=overlay),
        prepare_job(template("prepare", overlay), "birds", DATA, revision=7),
        measuring(overlay),
        plan_job(template(overlay=overlay), "birds", ANYTHING, ["rehearse"], **configuration),
    ]


def container(job: Object) -> Object:
    found: Object = job["spec"]["template"]["spec"]["containers"][0]
    return found


def environment(job: Object) -> dict[str, Any]:
    return {
        item["name"]: item.get("value", item.get("valueFrom")) for item in container(job)["env"]
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_job_keeps_to_kubernetes_schema_and_the_restricted_standard(overlay: str) -> None:
    for job in every(overlay):
        kubernetes_validate.validate(job, "1.37", strict=True)
        check_new_job(job)
        assert list(violations(job["spec"]["template"]["spec"])) == []
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_worker_job_is_this() -> None:
    spec = workers()["spec"]
    del spec["template"]
    assert spec == {
        "completionMode": "Indexed",
        "completions": 3,
        "parallelism": 3,
        "backoffLimitPerIndex": 6,
        "podReplacementPolicy": "Failed",
        "ttlSecondsAfterFinished": 86400,
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "Ignore",
                    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                },
                {"action": "Ignore", "onExitCodes": exits(143)},
                {"action": "FailJob", "onExitCodes": exits(2)},
                {"action": "FailIndex", "onExitCodes": exits(3)},
            ]
        },
    }


def exits(code: int) -> Object:
    return {"containerName": "worker", "operator": "In", "values": [code]}


def test_a_worker_is_told_its_study_and_where_its_result_goes_and_no_secret() -> None:
    told = environment(workers())
    assert told["HPO_STUDY"] == "birds"
    assert told["HPO_RESULT"] == "/dev/termination-log"
    assert told["HPO_WORKER"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert container(workers())["args"] == ["run"]
    assert container(workers())["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_jobs_and_pods_of_a_study_are_found_by_its_labels() -> None:
    job = workers()
    for metadata in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert metadata["labels"]["hpo.study"] == "birds"
        assert metadata["labels"]["hpo.role"] == "worker"
        assert metadata["labels"]["app.kubernetes.io/component"] == "worker"
    assert job["metadata"]["name"] == "worker-birds"
    assert job["metadata"]["annotations"]["hpo.revision"] == "7"


def test_resources_of_the_study_go_before_those_of_the_template() -> None:
    assert container(workers())["resources"] == container_of_template()["resources"]
    asked = container(workers(cpus=2.5, memory_gib=1.5))["resources"]
    assert asked == {
        "requests": {"cpu": "2500m", "memory": "1536Mi"},
        "limits": {"cpu": "2500m", "memory": "1536Mi"},
    }


def container_of_template() -> Object:
    found: Object = template()["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize(
    ("overlay", "gpus", "limits"),
    [
        ("gpu", None, {"nvidia.com/gpu": "1"}),
        ("gpu", 0, {}),
        ("cpu", 1, {"nvidia.com/gpu": "1"}),
        ("cpu", None, {}),
    ],
)
def test_a_gpu_is_asked_for_where_the_study_or_the_overlay_says_so(
    overlay: str, gpus: int | None, limits: Object
) -> None:
    asked = container(workers(overlay=overlay, gpus=gpus))["resources"]
    for kind in ("limits", "requests"):
        found = {name: str(amount) for name, amount in asked[kind].items() if "gpu" in name}
        assert found in (limits, {}) if kind == "requests" else found == limits


def test_preparation_reads_the_configuration_of_the_request() -> None:
    job = prepare_job(template("prepare"), "birds", DATA, revision=7)
    assert container(job)["args"] == ["prepare", "/etc/hpo/study.yaml"]
    (volume,) = [v for v in job["spec"]["template"]["spec"]["volumes"] if "configMap" in v]
    assert volume["configMap"]["name"] == "request-birds"
    assert volume["configMap"]["items"] == [{"key": "study.yaml", "path": "study.yaml"}]
    (mount,) = [m for m in container(job)["volumeMounts"] if m["name"] == volume["name"]]
    assert mount["mountPath"] == "/etc/hpo"


def test_a_measurement_is_not_probed_as_a_worker_is() -> None:
    assert "livenessProbe" in container(workers())
    assert not [name for name in container(measuring()) if "Probe" in name]
    assert container(measuring())["args"][0] == "measure"


def test_a_queue_starts_what_is_made_suspended() -> None:
    queued = workers(overlay="kueue")
    assert queued["spec"]["suspend"] is True
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "hpo"
    assert queued["metadata"]["annotations"]["kueue.x-k8s.io/job-min-parallelism"] == "1"
    assert "suspend" not in workers()["spec"]


def test_a_job_of_one_pod_asks_a_queue_for_no_less() -> None:
    """Kueue refuses a least parallelism that is not below the Job's."""
    for job in (workers(1, overlay="kueue"), measuring("kueue")):
        assert job["spec"]["suspend"] is True
        assert not [name for name in job["metadata"]["annotations"] if "kueue" in name]


def test_what_tools_note_on_a_template_does_not_come_to_its_jobs() -> None:
    noted = template()
    noted["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "example.com/team": "vision",
    }
    job = worker_job(noted, "birds", ANYTHING, workers=2, revision=1)
    assert set(job["metadata"]["annotations"]) == {
        "example.com/team",
        "hpo.made-for",
        "hpo.revision",
        "hpo.workers",
    }


def test_templates_stay_as_they_are() -> None:
    given = template()
    before = copy.deepcopy(given)
    worker_job(given, "birds", ResourcesConfig(cpus=1), workers=2, revision=1)
    measure_job(given, "birds", ANYTHING, [3], ["measure"], revision=1)
    assert given == before


def test_scaling_patches_completions_and_parallelism_together() -> None:
    assert scale_patch(5)["spec"] == {"completions": 5, "parallelism": 5}
    assert scale_patch(5)["metadata"]["annotations"] == {"hpo.workers": "5"}
