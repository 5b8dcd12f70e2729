"""PodTemplates as a deploy makes them, the least of them: what Jobs are filled from."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
NAMESPACE = "hpo"
IMAGE = "hpo-worker:0.1.0"


def pod_templates() -> list[Object]:
    """`worker` and `prepare`."""
    return [_template("worker", ["run"]), _template("prepare", ["prepare", "/etc/hpo/study.yaml"])]


def _template(name: str, arguments: list[str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "hpo", "app.kubernetes.io/component": name},
        },
        "template": {
            "metadata": {
                "labels": {"app.kubernetes.io/name": "hpo", "app.kubernetes.io/component": name}
            },
            "spec": {
                "serviceAccountName": "worker",
                "automountServiceAccountToken": False,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 45,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "fsGroup": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(name, arguments)],
                "volumes": [
                    {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
                    {"name": "artifacts", "persistentVolumeClaim": {"claimName": "artifacts"}},
                    {"name": "tmp", "emptyDir": {}},
                    {
                        "name": "database",
                        "secret": {
                            "secretName": "database",
                            "items": [{"key": "worker-url", "path": "storage"}],
                        },
                    },
                ],
            },
        },
    }


def _container(name: str, arguments: list[str]) -> Object:
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "env": [
            {"name": "HPO_STORAGE_FILE", "value": "/run/secrets/hpo/storage"},
            {"name": "HPO_DATA", "value": "/data/packed"},
            {"name": "HPO_ARTIFACTS", "value": "/artifacts"},
            {"name": "HPO_HOME", "value": "/tmp/hpo"},
            {"name": "HPO_WORKER", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "resources": {
            "requests": {"cpu": "1", "memory": "1Gi"},
            "limits": {"memory": "4Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "artifacts", "mountPath": "/artifacts"},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "database", "mountPath": "/run/secrets/hpo", "readOnly": True},
        ],
    }
