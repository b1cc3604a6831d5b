"""A progress bar for what takes longer than a moment, where tqdm is installed."""

from __future__ import annotations

import math
import time
from typing import Any

_SECONDS = 1.0
"""After how long the bar is shown."""
_REDRAWN = 0.2
"""How often it is drawn again."""


class Progress:
    """Counts batches.

    Args:
        title: What is gone through.
        total: How many there are, where that is known.
    """

    def __init__(self, title: str, total: int | None) -> None:
        """Nothing is shown yet."""
        self._title, self._total = title, total
        self._count = self._told = 0
        self._next = time.monotonic() + _SECONDS
        self._bar: Any = None

    def advance(self) -> None:
        """One more."""
        self._count += 1
        now = time.monotonic()
        if now < self._next:
            return
        if self._bar is None:
            self._bar = self._shown()
        if self._bar is not None:
            self._bar.update(self._count - self._told)
        self._told, self._next = self._count, now + _REDRAWN if self._bar is not None else math.inf

    def _shown(self) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return tqdm(total=self._total, desc=f"checking {self._title}", unit="batch", leave=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
