"""How many workers a machine, or the part of it that a container was given, can keep busy."""

import os
from pathlib import Path, PurePosixPath


def usable_cpus(root: Path = Path("/")) -> int:
    """Return how many processors this process may use: at least one, by its affinity and its cgroup's quota.

    A quota of two and a half processors counts as two: a third worker would
    spend half of its time waiting for the quota of the next period.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = min(_quotas(root), default=float(allowed))
    return max(1, min(allowed, int(quota)))


def _quotas(root: Path) -> list[float]:
    """Return the quota of each group that this process is in, the outer ones included: all of them hold."""
    found: list[float] = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            found += _version_2(root / "sys/fs/cgroup", path)
        elif "cpu" in controllers.split(","):
            found += _version_1(root / "sys/fs/cgroup" / controllers, path)
            found += _version_1(root / "sys/fs/cgroup/cpu", path)
    return found


def _groups(mount: Path, path: str) -> list[Path]:
    # In a container its own group is mounted as the root, and the path may lead out of what is mounted.
    inner = PurePosixPath(path.lstrip("/"))
    return [mount, *[mount / each for each in (inner, *inner.parents) if ".." not in each.parts]]


def _version_2(mount: Path, path: str) -> list[float]:
    found: list[float] = []
    for group in _groups(mount, path):
        quota, _, period = _read(group / "cpu.max").strip().partition(" ")
        if quota.isdigit() and period.isdigit():
            found.append(int(quota) / int(period))
    return found


def _version_1(mount: Path, path: str) -> list[float]:
    found: list[float] = []
    for group in _groups(mount, path):
        quota, period = _read(group / "cpu.cfs_quota_us").strip(), _read(group / "cpu.cfs_period_us").strip()
        if quota.isdigit() and period.isdigit():
            found.append(int(quota) / int(period))
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
