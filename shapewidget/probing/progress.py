"""A progress bar for what takes longer than a moment, where tqdm is installed."""

from __future__ import annotations

import time
from typing import Any

_SECONDS = 1.0
"""After how long the bar is shown."""


class Progress:
    """Counts batches.

    Args:
        title: What is gone through.
        total: How many there are, where that is known.
    """

    def __init__(self, title: str, total: int | None) -> None:
        """Nothing is shown yet."""
        self._title, self._total, self._count = title, total, 0
        self._starts = time.monotonic() + _SECONDS
        self._bar: Any = None

    def advance(self) -> None:
        """One more."""
        self._count += 1
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() > self._starts:
            self._starts = float("inf")
            self._bar = self._shown()

    def _shown(self) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return tqdm(total=self._total, initial=self._count, desc=f"checking {self._title}", unit="batch", leave=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
