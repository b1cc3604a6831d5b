"""How much memory the host has left, and how a lack of it shows.

Linux grants more memory than there is and kills the process that uses it, so on the CPU a lack has to be seen coming:
an exception is a point on a plot, a killed kernel is the end of the session.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import torch

RESERVE = 256 * 2**20
"""Bytes that are left to the rest of the kernel."""

_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
_LARGEST_LIMIT = 2**60


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def shortage(error: BaseException) -> str:
    """What an out-of-memory error says, without the innards of the allocator that raised it."""
    found = re.search(r"[Tt]ried to allocate ([\d.]+) ?(bytes|[KMGTP]iB)", str(error))
    if found is None:
        return str(error).strip().partition("\n")[0] or "memory ran out"
    amount, unit = found.groups()
    size = f"{int(amount) / 2**30:,.2f} GiB" if unit == "bytes" else f"{amount} {unit}"
    return f"{size} more were asked for than there are"


def available_bytes() -> int | None:
    """Memory that this process can still take without swapping; None where the system does not tell."""
    known = [size for size in (_machine(), _container()) if size is not None]
    return min(known, default=None)


def capacity_of(device: torch.device) -> int | None:
    """Bytes that can still be taken on a device; None where it does not tell."""
    if device.type == "cpu":
        available = available_bytes()
        return None if available is None else max(0, available - RESERVE)
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    return None


def described(device: torch.device) -> str:
    """A device and what makes it fast: its name, the threads that are used, the version of PyTorch."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}"
    cpu = next((line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")), "")
    name = cpu.partition(":")[2].strip() or platform.processor() or platform.machine()
    return f"{device.type} {name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def require(size: int, purpose: str) -> None:
    """Make sure that the host has `size` bytes to spare.

    Raises:
        MemoryError: It has not; says what for, and both sizes.
    """
    available = available_bytes()
    if available is not None and size + RESERVE > available:
        raise MemoryError(
            f"{purpose} would take {size / 2**20:,.0f} MiB, and {available / 2**20:,.0f} MiB are free, "
            f"of which {RESERVE / 2**20:,.0f} MiB are kept for the rest of the kernel"
        )


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
