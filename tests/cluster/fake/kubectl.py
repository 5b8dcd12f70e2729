"""Stands in for `kubectl` where it streams: the real one sends no token over plain HTTP, and the
fake cluster has no exec. Each verb does what the real one does as far as its caller can see.

    kubectl --namespace NS exec --stdin deploy/coordinator -- hpo ...   (runs `hpo` on this machine)
    kubectl --namespace NS logs --follow --tail=N POD                   (a file, until the pod ends)
    kubectl --namespace NS port-forward --address=HOST service/NAME LOCAL:REMOTE

FAKE_FOLDER is the fake cluster's folder; its `exec.json` is the environment in the container, its
`forward` the port that is forwarded to. Uses the standard library only, to start at once.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

FOLDER = Path(os.environ["FAKE_FOLDER"])


def main(arguments: list[str]) -> int:
    verbs = {"exec": execute, "logs": logs, "port-forward": forward}
    return verbs[arguments[2]](arguments[3:])


def execute(arguments: list[str]) -> int:
    given = json.loads((FOLDER / "exec.json").read_text())
    program = arguments[arguments.index("--") + 2 :]
    status = subprocess.call([sys.executable, "-m", "coordinator", *program], env=given)
    if status:
        sys.stderr.write(f"command terminated with exit code {status}\n")
    return status


def logs(arguments: list[str]) -> int:
    log = FOLDER / "pods" / arguments[-1] / "log"
    with log.open() as lines:
        while True:
            line = lines.readline()
            if line:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                time.sleep(0.05)


def forward(arguments: list[str]) -> int:
    host = arguments[0].partition("=")[2]
    local, _, remote = arguments[2].partition(":")
    try:
        listener = socket.create_server((host, int(local or 0)))
    except OSError as error:
        sys.stderr.write(f"error: unable to listen on any of the requested ports: {error}\n")
        return 1
    port = listener.getsockname()[1]
    print(f"Forwarding from {host}:{port} -> {remote}", flush=True)  # noqa: T201
    while True:
        client, _ = listener.accept()
        try:
            inside = socket.create_connection((host, int((FOLDER / "forward").read_text())))
        except OSError:
            sys.stderr.write("error: lost connection to pod\n")
            return 1
        for pair in ((client, inside), (inside, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
