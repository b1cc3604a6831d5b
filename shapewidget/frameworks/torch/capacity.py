"""How much memory a device has left, and how a lack of it shows."""

from __future__ import annotations

import re

import torch

from shapewidget.frameworks.host import RESERVE, available_bytes, processor
from shapewidget.frameworks.torch.reshaping import text_of
from shapewidget.graph.records import Clash, ClashKind

_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def shortage(error: BaseException, device: torch.device | str) -> str:
    """Why something does not fit, without the innards of the allocator that raised it.

    Returns:
        Empty where the error does not say that memory ran out.
    """
    if not is_out_of_memory(error):
        return ""
    size = _asked_for(error)
    lack = str(error).strip().partition("\n")[0] or "memory ran out"
    if size is not None:
        lack = f"{size / 2**30:,.2f} GiB more were asked for than there are"
    return f"does not fit on {device}: {lack}. Choose a smaller size."


def out_of_memory(error: BaseException, device: torch.device | None = None) -> Clash:
    """The bytes that were asked for in vain, where the error tells, beside those that are free on the device."""
    return Clash("", ClashKind.MEMORY, 0, None, capacity_of(device), _asked_for(error), error=text_of(error))


def _asked_for(error: BaseException) -> int | None:
    found = re.search(r"[Tt]ried to allocate ([\d.]+) ?(bytes|[KMGTP]iB)", str(error))
    if found is None:
        return None
    amount, unit = found.groups()
    return int(float(amount) * 1024 ** _UNITS.index(unit))


def capacity_of(device: torch.device | None) -> int | None:
    """Bytes that can still be taken on a device; None where it does not tell."""
    if device is None:
        return None
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
    return f"{device.type} {processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


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
