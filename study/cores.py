"""How many CPU cores this process may use: its affinity, and the quota of its container.

Knows nothing of what they are used for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")  # lines of hierarchy:controllers:path


def cores(groups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Whole cores, at least 1. A quota of one and a half is one: threads beyond a quota are stopped
    in the middle of a step, which costs more than the half core brings."""
    usable = float(len(os.sched_getaffinity(0)))
    for group in _groups(groups, membership):
        quota = _quota(group)
        if quota is not None:
            usable = min(usable, quota)
    return max(1, int(usable))


def _groups(groups: Path, membership: Path) -> Iterator[Path]:
    """Every control group whose quota may bind this process: its own and those around it. In a
    container of its own name space the root is the container's."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    yield groups
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / controllers  # version 2 has one hierarchy without a name
        yield root
        group = root / path.lstrip("/")
        yield from (each for each in (group, *group.parents) if root in each.parents)


def _quota(group: Path) -> float | None:
    """Cores' worth of time; None where there is no limit. Version 2 has one file, 1 has two."""
    try:
        if (group / "cpu.max").exists():  # "200000 100000" for two cores
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        limited = quota.strip() not in ("max", "-1")
        return int(quota) / int(period) if limited else None
    except (OSError, ValueError):
        return None
