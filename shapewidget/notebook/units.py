"""Bytes and seconds as a person reads them. Bytes go in powers of 1024, and are called so: KiB, MiB, GiB."""

from __future__ import annotations

_BYTES = (("TiB", 2.0**40), ("GiB", 2.0**30), ("MiB", 2.0**20), ("KiB", 2.0**10), ("B", 1.0))
_COUNTS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
_SECONDS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def of_bytes(size: float) -> tuple[str, float]:
    """The largest unit that the size reaches, and its bytes: ("MiB", 1048576.0)."""
    return next((unit for unit in _BYTES if size >= unit[1]), _BYTES[-1])


def of_seconds(duration: float) -> tuple[str, float]:
    """The largest unit that the duration reaches, and its seconds: ("ms", 0.001)."""
    return next((unit for unit in _SECONDS if duration >= unit[1]), _SECONDS[-1])


def of_counts(number: float) -> tuple[str, float]:
    """The largest prefix that a number reaches, and what it is worth: ("G", 1e9)."""
    return next((unit for unit in _COUNTS if number >= unit[1]), _COUNTS[-1])


def in_bytes(size: float) -> str:
    """A size in three digits: "151 MiB"."""
    unit, scale = of_bytes(size)
    return f"{_three_digits(size / scale)} {unit}"


def in_seconds(duration: float) -> str:
    """A duration in three digits: "39.3 ms"."""
    unit, scale = of_seconds(duration)
    return f"{_three_digits(duration / scale)} {unit}"


def _three_digits(value: float) -> str:
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
