"""CPU cores are counted as the container's quota has them, in control groups of either version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study.cores import cores


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("400000 100000\n", 4), ("150000 100000\n", 1), ("10000 100000\n", 1), ("max 100000\n", 16)],
)
def test_a_version_2_quota_binds(quota: str, expected: int, tmp_path: Path) -> None:
    put(tmp_path / "cpu.max", quota)
    put(tmp_path / "membership", "0::/\n")
    assert cores(tmp_path, tmp_path / "membership") == expected


def test_the_tightest_group_around_a_process_binds(tmp_path: Path) -> None:
    put(tmp_path / "membership", "0::/pods/one/worker\n")
    put(tmp_path / "pods/cpu.max", "800000 100000\n")
    put(tmp_path / "pods/one/cpu.max", "300000 100000\n")
    put(tmp_path / "pods/one/worker/cpu.max", "max 100000\n")
    assert cores(tmp_path, tmp_path / "membership") == 3


@pytest.mark.parametrize(("quota", "expected"), [("200000\n", 2), ("-1\n", 16)])
def test_a_version_1_quota_binds(quota: str, expected: int, tmp_path: Path) -> None:
    """As a container sees it: its path is the host's, and its mount is its own group."""
    put(tmp_path / "membership", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    put(tmp_path / "cpu,cpuacct/cpu.cfs_quota_us", quota)
    put(tmp_path / "cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert cores(tmp_path, tmp_path / "membership") == expected


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert cores(tmp_path, tmp_path / "none") == 16
