"""What each overlay and component changes."""

from __future__ import annotations

import pytest
import yaml

from coordinator.database.pooler import PORT
from study.config.load import load_study
from study.object_store import KEY, KEY_ID

from .conftest import K8S, ROOT, Manifests, build
from .test_references import secrets_of

WORKER = ("PodTemplate", "worker")


def limits(manifests: Manifests) -> dict[str, str]:
    found: dict[str, str] = manifests.pod("worker").containers[0]["resources"]["limits"]
    return found


def test_cpu_asks_for_no_gpu_and_little_else() -> None:
    resources = build("cpu").pod("worker").containers[0]["resources"]
    assert resources == {
        "requests": {"cpu": "100m", "memory": "1Gi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }


def test_gpu_asks_for_one_with_shared_memory_on_nodes_kept_for_them(gpu: Manifests) -> None:
    worker = gpu.pod("worker")
    assert limits(gpu)["nvidia.com/gpu"] == "1"
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in worker.spec[
        "tolerations"
    ]
    (shm,) = [volume for volume in worker.spec["volumes"] if volume["name"] == "shm"]
    assert shm["emptyDir"]["medium"] == "Memory"
    assert "/dev/shm" in {mount["mountPath"] for mount in worker.containers[0]["volumeMounts"]}
    assert worker.spec["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"


def test_gpu_shared_asks_for_a_share() -> None:
    found = limits(build("gpu-shared"))
    assert found["nvidia.com/gpu.shared"] == "1"
    assert "nvidia.com/gpu" not in found


def test_spot_goes_to_preemptible_nodes_with_a_longer_grace(gpu: Manifests) -> None:
    worker = build("spot").pod("worker").spec
    assert (
        worker["terminationGracePeriodSeconds"]
        > gpu.pod("worker").spec["terminationGracePeriodSeconds"]
    )
    keys = {toleration["key"] for toleration in worker["tolerations"]}
    assert {"nvidia.com/gpu", "cloud.google.com/gke-spot"} <= keys
    assert "nodeAffinity" in worker["affinity"]


def test_kueue_queues_the_jobs_of_workers_with_as_few_as_one() -> None:
    metadata = build("kueue").get(*WORKER)["metadata"]
    assert metadata["labels"]["kueue.x-k8s.io/queue-name"] == "hpo"
    assert metadata["annotations"]["kueue.x-k8s.io/job-min-parallelism"] == "1"
    # a Job's pods are not queued one by one
    labels = build("kueue").pod("worker").labels
    assert not any("kueue" in label for label in labels)


def test_the_example_of_queues_has_the_queue_that_jobs_name() -> None:
    example = (K8S / "components" / "kueue" / "queues.yaml").read_text()
    kinds = {found["kind"]: found for found in yaml.safe_load_all(example)}
    assert kinds["LocalQueue"]["metadata"] == {"name": "hpo", "namespace": "hpo"}
    assert kinds["LocalQueue"]["spec"]["clusterQueue"] == kinds["ClusterQueue"]["metadata"]["name"]


def test_rwx_shares_the_volumes_of_several_pods_alone(gpu: Manifests) -> None:
    def modes(manifests: Manifests) -> dict[str, list[str]]:
        return {
            claim["metadata"]["name"]: claim["spec"]["accessModes"]
            for claim in manifests.of("PersistentVolumeClaim")
        }

    once, many = ["ReadWriteOnce"], ["ReadWriteMany"]
    assert modes(gpu) == {"artifacts": once, "data": once, "backups": once}
    assert modes(build("gpu", "rwx")) == {"artifacts": many, "data": many, "backups": once}


def test_pgbouncer_stands_behind_the_name_that_workers_connect_to() -> None:
    manifests = build("gpu", "pgbouncer")
    selector = manifests.get("Service", "database")["spec"]["selector"]
    assert selector["app.kubernetes.io/component"] == "pgbouncer"
    assert manifests.pod("pgbouncer").containers[0]["ports"][0]["containerPort"] == PORT


def test_cloudnativepg_leaves_the_database_to_the_operator() -> None:
    manifests = build("cloudnativepg")
    assert manifests.of("StatefulSet") == []
    assert manifests.names("Service") == {"dashboard"}
    cluster = manifests.of("Cluster")[0]
    assert cluster["spec"]["bootstrap"]["initdb"] == {"database": "hpo", "owner": "hpo"}


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_a_worker_is_given_longer_to_leave_than_it_takes(overlay: str) -> None:
    grace = build(overlay).pod("worker").spec["terminationGracePeriodSeconds"]
    lease = load_study(ROOT / "configs" / "fashion.yaml", ()).resources.lease_seconds
    assert grace > lease  # a checkpoint that takes longer than a lease would have lost it


def test_s3_keeps_nothing_on_volumes_that_pods_share() -> None:
    manifests = build("s3")
    assert manifests.names("PersistentVolumeClaim") == {"backups"}
    for component in ("coordinator", "dashboard", "worker", "prepare"):
        pod = manifests.pod(component)
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        for name in {"data", "artifacts"} & set(volumes):
            assert set(volumes[name]) == {"name", "emptyDir"}
        mounts = {mount["name"]: mount for mount in pod.containers[0]["volumeMounts"]}
        for name in {"data", "artifacts"} & set(volumes):
            assert not mounts[name].get("readOnly"), "it is a cache"


def test_s3_tells_those_who_keep_or_show_files_where_and_as_whom() -> None:
    manifests = build("s3")
    settings = manifests.get("ConfigMap", "s3")["data"]
    assert {"HPO_ARTIFACTS_URL", "HPO_DATA_URL"} <= set(settings)
    policy = manifests.get("NetworkPolicy", "to-object-store")["spec"]
    (expression,) = policy["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == {"coordinator", "dashboard", "worker", "prepare"}
    for component in expression["values"]:
        pod = manifests.pod(component)
        container = pod.containers[0]
        assert container["envFrom"] == [{"configMapRef": {"name": "s3"}}]
        assert {("s3", KEY_ID), ("s3", KEY)} <= set(secrets_of(pod))
        mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounted["s3"] == settings["HPO_S3_CREDENTIALS"]
