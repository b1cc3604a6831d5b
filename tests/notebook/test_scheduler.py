import asyncio
import sys
import threading
import types

import pytest
from loops import until

from shapewidget.errors import Cancelled
from shapewidget.notebook.scheduler import Scheduler


class Log:
    """Work of three slices that notes what it does, and on which thread."""

    def __init__(self, pause=0.0):
        self.pause = pause
        self.steps, self.threads, self.failures = [], set(), []

    def work(self, request, is_cancelled):
        try:
            for step in range(3):
                self.threads.add(threading.current_thread())
                self.steps.append((request, step))
                yield self.pause
        finally:
            self.steps.append((request, "closed"))

    def whole(self, request):
        return [(request, 0), (request, 1), (request, 2), (request, "closed")]


def test_scheduler_without_a_loop_is_inline():
    log = Log(pause=1000)
    scheduler = Scheduler(log.work, log.failures.append)
    assert scheduler.is_inline
    scheduler.request("a")
    scheduler.request("b")
    assert log.steps == log.whole("a") + log.whole("b")


def test_scheduler_in_colab_is_inline_although_a_loop_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    log = Log(pause=1000)

    async def main():
        Scheduler(log.work, log.failures.append).request("a")
        return list(log.steps)

    assert asyncio.run(main()) == log.whole("a")


def test_scheduler_in_a_loop_returns_before_it_works():
    log = Log()

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        assert not scheduler.is_inline
        scheduler.request("a")
        assert log.steps == []
        await until(lambda: log.steps == log.whole("a"))

    asyncio.run(main())


def test_scheduler_drops_requests_that_are_out_of_date_before_they_start():
    log = Log()

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        for request in "abcd":
            scheduler.request(request)
        await until(lambda: log.steps == log.whole("d"))

    asyncio.run(main())


def test_scheduler_closes_the_old_work_where_it_pauses():
    log = Log(pause=0.001)

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        scheduler.request("a")
        await until(lambda: log.steps == [("a", 0)])
        scheduler.request("b")
        await until(lambda: len(log.steps) == 6)

    asyncio.run(main())
    assert log.steps == [("a", 0), ("a", "closed"), *log.whole("b")]


def test_scheduler_keeps_the_pause_of_the_newest_work():
    log = Log(pause=0.05)

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        loop = asyncio.get_running_loop()
        scheduler.request("a")
        await until(lambda: log.steps == [("a", 0)])
        scheduler.request("b")
        await until(lambda: ("b", 0) in log.steps)
        started = loop.time()
        await until(lambda: ("b", 1) in log.steps)
        return loop.time() - started

    assert asyncio.run(main()) > 0.045


def test_scheduler_tells_running_work_at_once_that_it_is_out_of_date():
    seen = []

    async def main():
        def work(request, is_cancelled):
            if request == "old":
                seen.append(is_cancelled())
                thread = threading.Thread(target=scheduler.request, args=("new",))
                thread.start()
                thread.join()
            seen.append(is_cancelled())
            yield 0

        scheduler = Scheduler(work, seen.append)
        scheduler.request("old")
        await until(lambda: len(seen) == 3)

    asyncio.run(main())
    assert seen == [False, True, False]


def test_scheduler_works_on_its_own_thread_whoever_asks():
    log = Log()

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        await asyncio.to_thread(scheduler.request, "a")
        await until(lambda: log.steps == log.whole("a"))

    asyncio.run(main())
    assert log.threads == {threading.current_thread()}


def test_scheduler_lets_the_last_of_many_threads_win():
    log = Log(pause=0.001)

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        await asyncio.gather(*(asyncio.to_thread(scheduler.request, number) for number in range(20)))
        await asyncio.to_thread(scheduler.request, "last")
        await until(lambda: ("last", "closed") in log.steps)

    asyncio.run(main())
    assert log.steps[-4:] == log.whole("last")
    assert log.threads == {threading.current_thread()}


def test_scheduler_stops_when_it_is_cancelled():
    log = Log(pause=0.001)

    async def main():
        scheduler = Scheduler(log.work, log.failures.append)
        scheduler.request("a")
        await until(lambda: log.steps == [("a", 0)])
        scheduler.cancel()
        await until(lambda: len(log.steps) == 2)
        scheduler.request("b")
        await until(lambda: len(log.steps) == 6)

    asyncio.run(main())
    assert log.steps == [("a", 0), ("a", "closed"), *log.whole("b")]
    assert log.failures == []


@pytest.mark.parametrize("in_loop", [False, True])
def test_scheduler_hands_over_an_exception_and_goes_on(in_loop):
    log = Log()

    def work(request, is_cancelled):
        if request == "bad":
            raise ValueError("no")
        yield from log.work(request, is_cancelled)

    async def main():
        scheduler = Scheduler(work, log.failures.append)
        scheduler.request("bad")
        await until(lambda: len(log.failures) == 1)
        scheduler.request("good")
        await until(lambda: log.steps == log.whole("good"))

    if in_loop:
        asyncio.run(main())
    else:
        scheduler = Scheduler(work, log.failures.append)
        scheduler.request("bad")
        scheduler.request("good")
        assert log.steps == log.whole("good")
    assert [str(failure) for failure in log.failures] == ["no"]


def test_scheduler_says_nothing_of_a_failure_that_is_out_of_date():
    log = Log()

    def work(request, is_cancelled):
        if request == "old":
            scheduler.request("new")
            raise ValueError("no")
        yield from log.work(request, is_cancelled)

    scheduler = Scheduler(work, log.failures.append)
    scheduler.request("old")
    assert log.failures == []
    assert log.steps == log.whole("new")


def test_scheduler_takes_cancelled_work_for_no_failure():
    failures = []

    def work(request, is_cancelled):
        raise Cancelled("Measure again.")
        yield

    Scheduler(work, failures.append).request("a")
    assert failures == []


def test_scheduler_takes_up_what_is_asked_for_from_within_a_slice():
    steps = []

    def work(request, is_cancelled):
        steps.append(request)
        if request == "a":
            scheduler.request("b")
        yield 0
        steps.append(f"{request} again")

    scheduler = Scheduler(work, steps.append)
    scheduler.request("a")
    assert steps == ["a", "b", "b again"]


def test_scheduler_can_be_used_after_an_interrupt():
    log = Log()

    def work(request, is_cancelled):
        if request == "interrupted":
            raise KeyboardInterrupt
        yield from log.work(request, is_cancelled)

    scheduler = Scheduler(work, log.failures.append)
    with pytest.raises(KeyboardInterrupt):
        scheduler.request("interrupted")
    scheduler.request("a")
    assert log.steps == log.whole("a")
