"""The cluster's dashboard on this machine: a port that is forwarded to its service for as long as a
person looks, and forwarded again when the pod behind it is replaced.

Knows nothing of what the dashboard shows.
"""

from __future__ import annotations

import base64
import http.client
import re
import time
from collections.abc import Callable
from typing import IO

from coordinator.cluster.api import Api
from coordinator.cluster.kubectl import command, running
from coordinator.cluster.laptop.deployed import why_not_ready
from coordinator.cluster.refusals import ClusterError, NotFound
from study.errors import HpoError, UsageError

SERVICE = "dashboard"
REMOTE_PORT = 8080
PAUSE, LONGEST_PAUSE = 1.0, 15.0  # seconds before a forward that broke is tried again
STEADY = 60.0  # seconds after which a forward that breaks has been a good one
PATIENCE = 10.0  # seconds for the dashboard to answer

Say = Callable[[str], None]


def token_of(api: Api) -> str:
    """The dashboard's token. Raises UsageError where the cluster has none."""
    try:
        secret = api.get("secrets", SERVICE)
        return base64.b64decode(secret["data"]["token"]).decode()
    except NotFound as error:
        raise UsageError(
            f"namespace {api.namespace} has no Secret {SERVICE!r}: make deploy"
        ) from error
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"Secret {SERVICE!r} in namespace {api.namespace} has no key `token`: delete it, then "
            "make deploy"
        ) from error


def forward(api: Api, *, host: str, port: int, say: Say) -> None:
    """Forwards until Ctrl-C; says the URL once it can be opened. port: 0 takes any that is free.
    Raises UsageError where it cannot begin; afterwards it is tried again for ever."""
    token = token_of(api)
    open_port, pause = 0, PAUSE
    while True:
        begun = time.monotonic()
        try:
            with running(
                command(
                    api,
                    "port-forward",
                    f"--address={host}",
                    f"service/{SERVICE}",
                    f"{open_port or port or ''}:{REMOTE_PORT}",
                )
            ) as process:
                found = _listening(process.stdout)
                if found and not open_port:
                    _check_token(host, found, token)
                    say(f"http://{host}:{found}/dashboard?token={token}\nCtrl-C ends it")
                open_port = found or open_port
                _drain(process.stdout)
        except ClusterError as error:
            if not open_port:
                raise UsageError(_why(api, error)) from error
            say(f"the forward broke and is begun again: {error}")
        pause = PAUSE if time.monotonic() > begun + STEADY else min(2 * pause, LONGEST_PAUSE)
        time.sleep(pause)


def _listening(lines: IO[bytes] | None) -> int:
    """The port kubectl listens on, from its first line; 0 where it ended before."""
    assert lines is not None
    found = re.search(r":(\d+) -> ", lines.readline().decode(errors="replace"))
    return int(found[1]) if found else 0


def _drain(lines: IO[bytes] | None) -> None:
    """Reads on to the end: kubectl says each connection, and would wait for a reader."""
    assert lines is not None
    for _ in lines:
        pass


def _check_token(host: str, port: int, token: str) -> None:
    """Raises UsageError where the dashboard was started with another token, and HpoError where it
    does not answer."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", f"/dashboard?token={token}")
        status = connection.getresponse().status
    except OSError as error:
        raise HpoError(f"the dashboard does not answer: {error}") from error
    finally:
        connection.close()
    if status == http.HTTPStatus.UNAUTHORIZED:
        raise UsageError(
            "the dashboard does not take the token of Secret dashboard, which was changed after it "
            "had started: kubectl rollout restart deployment/dashboard"
        )


def _why(api: Api, error: ClusterError) -> str:
    if "unable to listen" in str(error):
        return f"--port: {error}; choose another: make dashboard PORT=8081"
    return why_not_ready(api) or str(error)
