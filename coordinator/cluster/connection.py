"""Which cluster, which namespace, and with which credentials: from the pod's service account, else
from a kubeconfig.

Knows nothing of what is asked of the cluster (api.py).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubernetes import config as loading
from kubernetes.client import ApiClient, Configuration
from kubernetes.config.kube_config import list_kube_config_contexts
from yaml import YAMLError

from coordinator.cluster.refusals import ALONE, ClusterUnreachable, NotLoggedIn

NAMESPACE = "hpo"  # where neither the environment nor the kubeconfig names one
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Connection:
    """A way to a namespace."""

    client: ApiClient
    """Safe to use from several threads."""
    namespace: str
    host: str
    """For a person."""
    way_out: str
    """What a person can do where it does not answer; empty for a program in the cluster."""


def connect(context: str | None = None) -> Connection:
    """The cluster around this pod, else the kubeconfig's. context: of the kubeconfig, its current
    one by default.

    HPO_NAMESPACE names the namespace, else the pod's own or the context's. Asks the cluster nothing
    yet. Raises ClusterUnreachable, NotLoggedIn.
    """
    configuration = Configuration()
    configuration.retries = False  # api.py repeats requests itself, and knows which may be
    configuration.keep_alive = True
    way_out = ALONE
    if _in_cluster():
        way_out = ""
        loading.load_incluster_config(client_configuration=configuration)
        namespace = (ACCOUNT / "namespace").read_text().strip()
    else:
        namespace = _load_kubeconfig(configuration, context)
    given = os.environ.get("HPO_NAMESPACE", "")
    client = ApiClient(configuration)
    client.user_agent = "hpo"
    return Connection(client, given or namespace or NAMESPACE, configuration.host, way_out)


def _in_cluster() -> bool:
    """Whether this is a pod with a token; a kubeconfig that somebody names goes first."""
    return (
        "KUBECONFIG" not in os.environ
        and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))
        and (ACCOUNT / "token").is_file()
    )


def _load_kubeconfig(configuration: Configuration, context: str | None) -> str:
    """Gives the context's namespace, empty where it names none."""
    file = os.environ.get("KUBECONFIG") or "~/.kube/config"  # the library asks only at its import
    try:
        with _complaints() as complaints:
            contexts, current = list_kube_config_contexts(file)
            loading.load_kube_config(
                config_file=file, context=context, client_configuration=configuration
            )
    except (loading.ConfigException, YAMLError, OSError, ValueError, TypeError) as error:
        raise ClusterUnreachable(
            f"no cluster is configured in {file}: {_why(error, file)}; {ALONE}"
        ) from None
    if complaints:
        raise NotLoggedIn(
            f"the kubeconfig {file} gives no credentials: {complaints[0]}; log in again"
        )
    chosen = next((each for each in contexts if each["name"] == context), current)
    return str(chosen["context"].get("namespace") or "")


def _why(error: Exception, file: str) -> str:
    """What is wrong with a kubeconfig; KUBECONFIG may be several, with colons between them."""
    if not any(Path(each).expanduser().exists() for each in file.split(os.pathsep)):
        return "there is no such file; name another one with KUBECONFIG=..."
    if isinstance(error, TypeError):
        return "it is not a kubeconfig"
    return " ".join(str(error).removeprefix("Invalid kube-config file. ").split()).rstrip(".")


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the library logs with the root logger and otherwise keeps to itself: that a login plugin
    fails for example."""
    said: list[str] = []
    root = logging.getLogger()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name == root.name and record.thread == threading.get_ident():
                said.append(record.getMessage())

    listener = Listener(logging.ERROR)
    root.addHandler(listener)
    try:
        yield said
    finally:
        root.removeHandler(listener)
