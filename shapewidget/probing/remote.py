"""The points of a sweep on other workers: handed out a few at a time, and again where a worker was lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from typing import Any

from shapewidget.graph.costs import Measurement
from shapewidget.probing.program import Point, Program, run_packed

OUTSTANDING = 256
"""How many points are handed out at once: two and more for each of a hundred workers, few enough for a scheduler."""

ATTEMPTS = 3
"""How many workers a point may lose."""

LISTEN_SECONDS = 0.1
"""How often it is asked whether the sweep was cancelled."""


def results(
    sent: Program, points: Sequence[Point], executor: Executor, is_cancelled: Callable[[], bool]
) -> Iterator[tuple[int, Measurement]]:
    """Measure points on the workers of an executor.

    Args:
        sent: What is measured; written once, and handed out with every point.
        points: The points.
        executor: Any of `concurrent.futures`; of a process pool that broke, a new one takes the place.
        is_cancelled: Asked several times a second.

    Yields:
        The place of a point, and its measurement, each once, in the order in which they come. A point that lost three
        workers is marked.
    """
    handed = _Handed(sent.packed(), points, executor)
    try:
        while handed.is_open and not is_cancelled():
            for place, future in handed.done():
                error = future.exception()
                if error is None:
                    yield place, future.result()
                elif handed.lost(place, error):
                    yield place, _given_up(sent, points[place], error)
    finally:
        handed.close()


class _Handed:
    """The points that are waiting, and those that are handed out."""

    def __init__(self, message: bytes, points: Sequence[Point], executor: Executor) -> None:
        self._message, self._points, self._executor = message, points, executor
        self._own: Executor | None = None
        self._waiting = deque(range(len(points)))
        self._out: dict[Future[Measurement], int] = {}
        self._losses: Counter[int] = Counter()

    @property
    def is_open(self) -> bool:
        """Whether there is a point without a result."""
        return bool(self._waiting or self._out)

    def done(self) -> list[tuple[int, Future[Measurement]]]:
        """Hand out what there is room for, and take what has come."""
        while self._waiting and self._has_room():
            place = self._waiting.popleft()
            try:
                self._out[self._executor.submit(run_packed, self._message, self._points[place])] = place
            except BrokenExecutor:
                self._waiting.appendleft(place)
                self._replace()
        finished, _ = wait(self._out, timeout=LISTEN_SECONDS, return_when=FIRST_COMPLETED)
        return [(self._out.pop(future), future) for future in finished]

    def _has_room(self) -> bool:
        """A point that lost a worker goes alone, so that it takes no other one with it."""
        if self._losses[self._waiting[0]] or any(self._losses[place] for place in self._out.values()):
            return not self._out
        return len(self._out) < OUTSTANDING

    def lost(self, place: int, error: BaseException) -> bool:
        """Hand a point out again; True when it was lost too often."""
        self._losses[place] += 1
        if isinstance(error, BrokenExecutor) and not self._out:
            self._replace()
        if self._losses[place] >= ATTEMPTS:
            return True
        self._waiting.append(place)
        return False

    def _replace(self) -> None:
        """A process pool takes no more work once one of its processes died."""
        broken: Any = self._executor
        if not isinstance(broken, ProcessPoolExecutor):
            raise BrokenExecutor("The executor broke, and gives no way to make another one.")
        if self._own is not None:
            self._own.shutdown(wait=False)
        workers, context = getattr(broken, "_max_workers", None), getattr(broken, "_mp_context", None)
        self._executor = self._own = ProcessPoolExecutor(workers, context)

    def close(self) -> None:
        """Take back what is not being run, and end a pool of our own."""
        for future in self._out:
            future.cancel()
        if self._own is not None:
            self._own.shutdown(wait=False, cancel_futures=True)


def _given_up(sent: Program, point: Point, error: BaseException) -> Measurement:
    text = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"
    return sent.marked(
        point,
        RuntimeError(
            f"Every one of {ATTEMPTS} workers was lost, the last with {text} It may not fit into their memory."
        ),
    )
