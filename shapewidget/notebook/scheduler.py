"""Runs the newest request on the thread that owns the model, in slices, and forgets the older ones.

Hosts call widget observers as they like: on the main thread between two cells; on a thread of its own in the middle of
a cell (JupyterLab 4.4 and later); in Colab on the main thread, where the page shows nothing that happens after the
observer has returned. A model is touched on one thread only, and never in the middle of a cell. So a request goes to
the event loop of the thread that made the scheduler and is worked at as a generator: after every slice the loop gets
the pause that the generator yields, so that newer input comes in. Without a loop, and in Colab, all slices run at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from shapewidget.errors import Cancelled

Request = TypeVar("Request")
Work = Callable[[Request, Callable[[], bool]], Generator[float, None, None]]
"""Takes a request, and a function that says whether it is out of date; yields the pauses between slices in seconds."""

PAUSE_SECONDS = 0.01
"""Between two slices: a kernel takes a few turns of its loop to hand a message on to an observer."""

UNHEARD_SECONDS = 0.1
"""How long short slices run on before a message is listened for."""

Result = TypeVar("Result")


def paced(steps: Generator[None, None, Result], is_cancelled: Callable[[], bool]) -> Generator[float, None, Result]:
    """Run the steps of something longer, with pauses as often as messages have to be heard.

    Raises:
        Cancelled: `is_cancelled` said so between two steps.
    """
    heard = time.monotonic()
    with contextlib.closing(steps):
        while True:
            if is_cancelled():
                raise Cancelled("The measurement was cancelled. Measure again to have it.")
            try:
                next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            if time.monotonic() - heard > UNHEARD_SECONDS:
                yield PAUSE_SECONDS
                heard = time.monotonic()


@dataclass(frozen=True, eq=False)
class _Ticket(Generic[Request]):
    """A request, told from an equal one that was made at another time."""

    request: Request


class Scheduler(Generic[Request]):
    """The last request wins.

    Args:
        work: Carries a request out. It is closed where it pauses when a newer request comes.
        failed: Takes the exception that ended the work, on the same thread, unless the request was out of date.

    Attributes:
        is_inline: Whether a request is carried out before `request` returns.
    """

    def __init__(self, work: Work[Request], failed: Callable[[Exception], None]) -> None:
        self._work, self._failed = work, failed
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self.is_inline = self._loop is None or "google.colab" in sys.modules
        self._newest: _Ticket[Request] | None = None
        self._started: _Ticket[Request] | None = None
        self._slices: Generator[float, None, None] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._is_busy = False

    def request(self, request: Request) -> None:
        """Carry this out instead of whatever was asked for before. From any thread."""
        self._put(_Ticket(request))

    def cancel(self) -> None:
        """Stop what runs, at the latest at the end of its slice. From any thread."""
        self._put(None)

    def _put(self, ticket: _Ticket[Request] | None) -> None:
        self._newest = ticket  # from here on, what runs sees that it is out of date
        if self._loop is not None and not self.is_inline:
            self._loop.call_soon_threadsafe(self._wake, self._loop)
        elif not self._is_busy:
            self._run_through()

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._started is not self._newest:
            self._advance(loop)

    def _advance(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._next is not None:
            self._next.cancel()
        pause = self._slice()
        self._next = None if pause is None else loop.call_later(pause, self._advance, loop)

    def _run_through(self) -> None:
        self._is_busy = True
        try:
            while self._started is not self._newest or self._slices is not None:
                self._slice()
        finally:
            self._is_busy = False

    def _slice(self) -> float | None:
        """Work at the newest request up to its next pause; None when there is nothing left to do."""
        if self._started is not self._newest:
            self._start()
        slices, self._slices = self._slices, None
        if slices is None:
            return None
        try:
            pause = next(slices)
        except (StopIteration, Cancelled):
            return None
        except Exception as error:
            if self._started is self._newest:
                self._failed(error)
            return None
        self._slices = slices
        return pause

    def _start(self) -> None:
        if self._slices is not None:
            self._slices.close()
        ticket = self._started = self._newest
        self._slices = None if ticket is None else self._work(ticket.request, lambda: self._newest is not ticket)
