"""End code that takes too long: a model may loop for ever, and so may its constructor."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from shapewidget.errors import TimeLimitError
from shapewidget.frameworks.cut_short import end_cut_short

_PACKAGE = str(Path(__file__).parents[1])
_CAREFUL = (_PACKAGE, contextlib.__file__, "overrides.py", "_device.py")
"""Code that takes something away for a moment and gives it back, as torch does with the modes above its functions."""

_PAUSE, _MOST_PAUSES = 0.005, 2_000
"""Seconds between two looks at what runs, and how often to look before that no longer counts."""


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
    except _OutOfTime as rung:
        end_cut_short(rung)
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
        self._ident = threading.get_ident()
        self._thread = ctypes.c_ulong(self._ident)
        self._over, self._turn = threading.Event(), threading.Lock()

    def run(self) -> None:
        pause = self._seconds
        for looks in itertools.count():
            if self._over.wait(pause):
                return
            with self._turn:
                if not self._over.is_set() and (looks >= _MOST_PAUSES or not self._is_careful()):
                    self.has_rung = True
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, ctypes.py_object(_OutOfTime))
                    return
            pause = _PAUSE

    def _is_careful(self) -> bool:
        """Whether the thread, which waits for us to let it run, would hear it in the middle of an exchange."""
        frame = sys._current_frames().get(self._ident)
        return frame is None or any(part in frame.f_code.co_filename for part in _CAREFUL)

    def stop(self) -> None:
        """Ring no more; what has rung and was not yet heard is taken back."""
        with self._turn:
            self._over.set()
            if self.has_rung:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(self._thread, None)
