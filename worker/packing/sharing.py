"""How several processes share a GPU: through CUDA's Multi-Process Service where that can be had,
which runs their kernels beside each other, else in turns (time-slicing).

A service that is there already is used and left alone; one that is started here is for this worker
and ends with it. Never imports torch: what is set here must be in the environment before the fork
server is. Source: https://docs.nvidia.com/deploy/mps/.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from study.errors import HpoError, one_line

Sharing = Literal["cpu", "mps", "time-slicing", "exclusive"]
"""exclusive: the GPU takes one process at a time, so that it is not shared at all."""

DRIVER = Path("/dev/nvidiactl")  # there where NVIDIA's driver is
DAEMON = "nvidia-cuda-mps-control"
COMPUTE_MODE = ("nvidia-smi", "--query-gpu=compute_mode", "--format=csv,noheader")
PIPES, LOGS = "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"
USUAL_PIPES = "/tmp/nvidia-mps"  # where CUDA looks when nothing is said
PATIENCE = 30.0  # seconds for NVIDIA's programs; a driver that has to wake up takes several
PROBE_PATIENCE = 120.0  # seconds; torch is imported and a context made
PROBE = (sys.executable, "-c", "import torch; torch.ones(1, device='cuda').item()")

log = logging.getLogger(__name__)


@contextmanager
def shared(
    device: str, *, driver: Path = DRIVER, probe: Sequence[str] = PROBE
) -> Iterator[Sharing]:
    """For as long as the block lasts several processes may use `device`, as torch.device takes it
    or `auto`. `probe`: a program that ends with 0 where CUDA works."""
    if not _gpu(device, driver):
        yield "cpu"
        return
    with ExitStack() as stack:
        sharing: Sharing = "mps"
        try:
            reason = _reached() or stack.enter_context(_started(probe))
        except HpoError as error:
            sharing, reason = ("exclusive" if _exclusive() else "time-slicing"), str(error)
        log.info("packing: how trials share the GPU: %s: %s", sharing, reason)
        yield sharing


def _gpu(device: str, driver: Path) -> bool:
    """Whether it is one of NVIDIA's; what torch has to say is heard later, in other processes."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1")
    return (device == "auto" or device.startswith("cuda")) and driver.exists() and not hidden


def _reached() -> str | None:
    """What is said of a service that is there already."""
    pipes = Path(os.environ.get(PIPES) or USUAL_PIPES)
    return f"a daemon serves {pipes}" if (pipes / "control").exists() else None


def _exclusive() -> bool:
    """Whether the GPU refuses a second process, unless a service stands between."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    try:
        return "Exclusive" in _run([*COMPUTE_MODE, f"--id={first}"], dict(os.environ), PATIENCE)
    except HpoError:
        return False  # told by CUDA, then


@contextmanager
def _started(probe: Sequence[str]) -> Iterator[str]:
    """A daemon with folders of its own, which this process and those it starts find. Raises
    HpoError where there is none or it is refused."""
    program = shutil.which(DAEMON)
    if program is None:
        raise HpoError(f"{DAEMON} is not on the PATH")
    with tempfile.TemporaryDirectory(prefix="hpo-mps-", ignore_cleanup_errors=True) as folder:
        names = {PIPES: f"{folder}/pipe", LOGS: f"{folder}/log"}
        for name in names.values():
            Path(name).mkdir()
        # for all GPUs: where it is told to see a few, it numbers them anew for its clients
        seen = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
        _run([program, "-d"], seen | names, PATIENCE)
        try:
            _run(probe, os.environ | names, PROBE_PATIENCE)
            with _in_environment(names):
                yield f"a daemon was started in {folder}"
        finally:
            _end(program, seen | names)


@contextmanager
def _in_environment(names: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(names)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)


def _end(program: str, environment: dict[str, str]) -> None:
    try:
        _run([program], environment, PATIENCE, said="quit\n")
    except HpoError as error:
        log.warning("packing: %s was left behind: %s", DAEMON, error)


def _run(
    command: Sequence[str], environment: dict[str, str], seconds: float, *, said: str = ""
) -> str:
    """What it printed. Raises HpoError with the last line of it where it fails."""
    name = Path(command[0]).name
    with tempfile.TemporaryFile("w+") as printed:  # no pipe: a daemon may hold it open for ever
        try:
            status = subprocess.run(
                command,
                env=environment,
                input=said,
                stdout=printed,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HpoError(one_line(f"{name}: {error}")) from error
        printed.seek(0)
        lines = printed.read().strip()
    if status:
        last = lines.rpartition("\n")[2]
        raise HpoError(one_line(f"{name} ended with status {status}: {last}"))
    return lines
