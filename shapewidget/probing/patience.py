"""Wait for a batch, but not for ever."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any


class NoBatchError(Exception):
    """A batch did not come in time."""


class Patience:
    """Ends a wait of the main thread that takes too long; in any other thread it waits as long as it takes.

    Only what Python can interrupt is ended: a lock, a queue, a socket, a sleep.

    Args:
        seconds: How long one batch may take.
    """

    def __init__(self, seconds: float) -> None:
        """Not waiting yet."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._since: float | None = None
        self._has_fired = False
        self._done = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the waits of the block."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        watcher = threading.Thread(target=self._watch, daemon=True)
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:  # a job in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        watcher.start()
        try:
            yield
        finally:
            self._done.set()
            if before is signal.SIG_IGN:
                signal.signal(signal.SIGINT, before)

    def next(self, items: Iterator[Any]) -> Any:
        """The next item.

        Raises:
            NoBatchError: It did not come in time.
            StopIteration: There is none.
        """
        try:
            self._since = time.monotonic()
            item = next(items)
            with self._lock:
                self._since = None
            if self._has_fired:  # the interrupt is on its way, although the batch has come
                time.sleep(1)
            return item
        except KeyboardInterrupt:
            if self._has_fired:
                raise NoBatchError(f"no batch came within {self._seconds:g} s") from None
            raise
        finally:
            self._since = None

    def _watch(self) -> None:
        while not self._done.wait(min(self._seconds / 10, 0.5)):
            with self._lock:
                since = self._since
                if since is not None and time.monotonic() - since > self._seconds:
                    self._has_fired = True
                    _interrupt_main()
                    return


def _interrupt_main() -> None:
    """As Ctrl-C does: a real signal, where there are such, wakes a thread that waits for a lock too."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()
