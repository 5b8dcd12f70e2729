"""The verbs that bring the project into a cluster and take it away.

What each does is in the module it imports when it is called, so that `hpo --help` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coordinator.verbs.arguments import console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from coordinator.cluster.api import Api

Namespace = Annotated[
    str | None,
    typer.Option(envvar="HPO_NAMESPACE", help="default: the kubeconfig's, else hpo"),
]
Wait = Annotated[float, typer.Option(min=1, help="seconds to wait for each part")]


def deploy(
    overlay: Annotated[str, typer.Option(help="folder in k8s/overlays")] = "gpu",
    component: Annotated[
        list[str] | None, typer.Option(help="folder in k8s/components; may be repeated")
    ] = None,
    namespace: Namespace = None,
    image_prefix: Annotated[str, typer.Option(help="where the images are pulled from")] = "",
    tag: Annotated[str, typer.Option(help="of both images")] = "",
    patience: Wait = 300,
) -> None:
    """Bring everything into a cluster, or upgrade it there."""
    from coordinator.cluster.deployment.deploy import deploy as verb
    from coordinator.cluster.deployment.overlays import Choice, check
    from coordinator.cluster.deployment.rollout import Patience

    choice = Choice(overlay=overlay, components=component or (), image_prefix=image_prefix, tag=tag)
    check(choice)
    with _api(namespace) as api:
        verb(api, choice, _say, Patience(ready=patience))
    _say("deployed; next: make submit STUDY=fashion N=2")


def undeploy(
    namespace: Namespace = None,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="remove data, models and database too")
    ] = False,
    patience: Wait = 300,
) -> None:
    """Take it away again; volumes stay."""
    from coordinator.cluster.deployment.rollout import Patience
    from coordinator.cluster.deployment.undeploy import undeploy as verb

    with _api(namespace) as api:
        verb(api, _say, volumes=volumes, patience=Patience(ready=patience))


def _say(line: str) -> None:
    console.print(line, soft_wrap=True)


def _api(namespace: str | None) -> AbstractContextManager[Api]:
    """The cluster, for the length of a verb."""
    import re
    from contextlib import contextmanager
    from dataclasses import replace

    from coordinator.cluster.api import Api
    from coordinator.cluster.connection import connect
    from study.errors import UsageError

    if namespace is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace):
        raise UsageError(
            f"--namespace must be 1 to 63 lower-case letters, digits and dashes, got {namespace!r}"
        )

    @contextmanager
    def opened() -> Iterator[Api]:
        connection = connect()
        if namespace is not None:
            connection = replace(connection, namespace=namespace)
        try:
            yield Api(connection)
        finally:
            connection.client.close()

    return opened()
