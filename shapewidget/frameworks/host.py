"""What the machine around the process has: free memory, and a processor with a name.

Linux grants more memory than there is and kills the process that uses it, so on the CPU a lack has to be seen coming:
an exception is a point on a plot, a killed kernel is the end of the session.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

RESERVE = 256 * 2**20
"""Bytes that are left to the rest of the kernel."""

_LARGEST_LIMIT = 2**60


def available_bytes() -> int | None:
    """Memory that this process can still take without swapping; None where the system does not tell."""
    known = [size for size in (_machine(), _container()) if size is not None]
    return min(known, default=None)


def processor() -> str:
    """Name of the CPU."""
    cpu = next((line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")), "")
    return cpu.partition(":")[2].strip() or platform.processor() or platform.machine()


def _machine() -> int | None:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _container() -> int | None:
    """What the control group still allows: in a container, /proc/meminfo tells of the machine around it."""
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        allowed = _read(f"/sys/fs/cgroup/{limit}").strip()
        used = _read(f"/sys/fs/cgroup/{usage}").strip()
        if allowed.isdigit() and used.isdigit() and int(allowed) < _LARGEST_LIMIT:
            return int(allowed) - int(used) + _reclaimable(Path("/sys/fs/cgroup", usage).parent)
    return None


def _reclaimable(group: Path) -> int:
    """Bytes of cached files, which count as used and are given up on demand."""
    for line in _read(group / "memory.stat").splitlines():
        if line.startswith("inactive_file "):
            return int(line.split()[1])
    return 0


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
