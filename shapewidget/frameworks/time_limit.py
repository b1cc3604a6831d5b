"""End code that takes too long: a model may loop for ever, and so may its constructor."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Iterator

from shapewidget.errors import TimeLimitError


class _OutOfTime(BaseException):
    """Raised in the middle of the user's code, and past its `except Exception`."""


@contextlib.contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Raise in the block once it has run for so long; a single call of a compiled function is waited for.

    Args:
        seconds: None for no limit.

    Raises:
        TimeLimitError: The time is over.
    """
    if seconds is None:
        yield
        return
    alarm = _Alarm(seconds)
    alarm.start()
    try:
        yield
    except _OutOfTime:
        if not alarm.has_rung:
            raise
        raise TimeLimitError(f"It was still running after {seconds:g} seconds, which is its time limit.") from None
    finally:
        alarm.stop()


class _Alarm(threading.Thread):
    """Raises `_OutOfTime` in the thread that made it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(name="shapewidget time limit", daemon=True)
        self.has_rung = False
        self._seconds = seconds
        self._thread = ctypes.c_ulong(threading.get_ident())
        self._over, self._turn = threading.Event(), threading.Lock()

    def run(self) -> None:
        if self._over.wait(self._seconds):
            return
        with self._turn:
            if not self._over.is_set():
                self.has_rung = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(_OutOfTime))

    def stop(self) -> None:
        """Ring no more; what has rung and was not yet heard is taken back."""
        with self._turn:
            self._over.set()
            if self.has_rung:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)
