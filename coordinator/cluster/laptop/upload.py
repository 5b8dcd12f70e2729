"""Sends pictures of this machine onto the cluster's data volume, once.

They go through `kubectl exec` into the coordinator's container, the one place a laptop reaches that
has the volume. Knows nothing of what pictures are (pictures.py).
"""

from __future__ import annotations

from contextlib import suppress
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from coordinator.cluster.api import Api
from coordinator.cluster.kubectl import in_coordinator, running
from coordinator.cluster.laptop.pictures import Pictures
from coordinator.receive import HAVE, TAKEN, WANT

SOURCES = "/data/sources"  # where the data volume has them, in every pod


def place_of(pictures: Pictures) -> str:
    """Their path in the cluster."""
    return f"{SOURCES}/{pictures.sha256}.zip"


def upload(api: Api, pictures: Pictures, console: Console) -> None:
    """Sends them unless they are there. Raises UsageError for a full volume, ClusterError."""
    call = in_coordinator(api, "receive", pictures.sha256, str(pictures.size))
    size = f"{pictures.size / 2**20:,.1f} MiB"
    with running(call, fed=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        word = process.stdout.readline().decode().strip()
        if word == HAVE:
            console.print(
                f"pictures: the cluster has {pictures.path} ({size}) already", soft_wrap=True
            )
        elif word == WANT:
            with suppress(BrokenPipeError):  # it says why on standard error
                _send(pictures, process.stdin, console)
            if process.stdout.readline().decode().strip() == TAKEN:
                console.print(f"pictures: {pictures.path} sent ({size})", soft_wrap=True)


def _send(pictures: Pictures, pipe: IO[bytes], console: Console) -> None:
    columns = (
        TextColumn("sending pictures"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("send", total=pictures.size)

        def send(chunk: bytes) -> None:
            pipe.write(chunk)
            bar.update(task, advance=len(chunk))

        pictures.write(send)
        pipe.flush()
