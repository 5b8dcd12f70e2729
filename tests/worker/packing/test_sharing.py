"""How a GPU is shared, told by files and by a program that stands in for NVIDIA's daemon."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from tests.eventually import eventually
from worker.packing.sharing import DAEMON, LOGS, PIPES, shared

WORKS, FAILS = (sys.executable, "-c", ""), (sys.executable, "-c", "raise SystemExit('busy')")

# As `-d` and `quit` do, and with a process in the background that keeps its output open.
SERVES = """#!/bin/sh
if [ "$1" = -d ]; then
    [ -d "$CUDA_MPS_LOG_DIRECTORY" ] && [ -z "$CUDA_VISIBLE_DEVICES" ] || exit 1
    sleep 600 &
    echo $! > "$CUDA_MPS_PIPE_DIRECTORY/control"
else
    read said
    [ "$said" = quit ] && kill "$(cat "$CUDA_MPS_PIPE_DIRECTORY/control")"
fi
"""
REFUSES = "#!/bin/sh\necho 'Starting'\necho 'not supported on this device' >&2\nexit 1\n"

Daemon = Callable[[str], None]


def running(pid: int) -> bool:
    """Not ended, though perhaps nobody has asked how."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    file = tmp_path / "nvidiactl"
    file.touch()
    return file


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """Puts a daemon on the PATH; none serves yet."""
    monkeypatch.setenv(PIPES, str(tmp_path / "nobody"))
    monkeypatch.setenv(LOGS, str(tmp_path / "nobody"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def install(program: str) -> None:
        (tmp_path / "bin" / DAEMON).write_text(program)
        (tmp_path / "bin" / DAEMON).chmod(0o755)

    return install


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "worker.packing.sharing")
    return caplog


def test_a_daemon_is_started_with_folders_of_its_own_and_ends_with_the_worker(
    daemon: Daemon, driver: Path, told: pytest.LogCaptureFixture
) -> None:
    daemon(SERVES)
    with shared("auto", driver=driver, probe=WORKS) as sharing:
        assert sharing == "mps"
        pipes = Path(os.environ[PIPES])
        serving = int((pipes / "control").read_text())
        assert running(serving)
        assert f"GPU: mps: a daemon was started in {pipes.parent}" in told.text
    assert not pipes.exists()
    eventually("the daemon has ended", lambda: not running(serving))
    assert not pipes.parent.exists()


def test_a_daemon_that_serves_already_is_used_and_left_alone(
    daemon: Daemon, driver: Path, tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    daemon(REFUSES)
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "control").touch()
    with shared("cuda:0", driver=driver, probe=FAILS) as sharing:
        assert sharing == "mps"
        assert os.environ[PIPES] == str(tmp_path / "nobody")
    assert (tmp_path / "nobody" / "control").exists()
    assert f"a daemon serves {tmp_path / 'nobody'}" in told.text


@pytest.mark.parametrize(
    ("program", "probe", "reason"),
    [
        (REFUSES, WORKS, f"{DAEMON} ended with status 1: not supported on this device"),
        (SERVES, FAILS, "ended with status 1: busy"),
    ],
)
def test_a_daemon_that_is_refused_leaves_time_slicing_and_its_reason(
    program: str,
    probe: tuple[str, ...],
    reason: str,
    daemon: Daemon,
    driver: Path,
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
) -> None:
    daemon(program)
    with shared("auto", driver=driver, probe=probe) as sharing:
        assert sharing == "time-slicing"
        assert os.environ[PIPES] == str(tmp_path / "nobody"), "clients are not led to it"
    assert reason in told.text


def test_without_the_daemons_program_a_gpu_is_shared_in_turns(
    driver: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PIPES, str(tmp_path / "nobody"))
    monkeypatch.setenv("PATH", "/nowhere")
    with shared("auto", driver=driver) as sharing:
        assert sharing == "time-slicing"
    assert f"GPU: time-slicing: {DAEMON} is not on the PATH" in told.text


@pytest.mark.parametrize(
    ("printed", "sharing"),
    [("Exclusive_Process", "exclusive"), ("Default", "time-slicing"), ("", "time-slicing")],
)
def test_a_gpu_that_takes_one_process_is_not_shared_without_a_service(
    printed: str,
    sharing: str,
    daemon: Daemon,
    driver: Path,
    tmp_path: Path,
    told: pytest.LogCaptureFixture,
) -> None:
    daemon(REFUSES)
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.write_text(f'#!/bin/sh\n[ "$3" = --id=0 ] && echo {printed}\n')
    smi.chmod(0o755)
    with shared("auto", driver=driver, probe=WORKS) as found:
        assert found == sharing
    assert f"GPU: {sharing}: {DAEMON} ended" in told.text


@pytest.mark.parametrize(
    ("device", "visible", "there"),
    [("cpu", "0", True), ("auto", "", True), ("auto", "-1", True), ("auto", "0", False)],
)
def test_a_cpu_needs_no_service(
    device: str, visible: str, there: bool, driver: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    if not there:
        driver.unlink()
    with shared(device, driver=driver) as sharing:
        assert sharing == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_shared_one_way_or_the_other() -> None:
    with shared("auto") as sharing:
        assert sharing in ("mps", "time-slicing")
