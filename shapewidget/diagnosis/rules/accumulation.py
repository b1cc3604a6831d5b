"""Gradients that are added up over several batches, and weighted or used in another way than is meant."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.graph.records import SourceLine
from shapewidget.graph.training import Calls, StreamEnd, TrainingLog, Window, scale, windows

_FEWEST = 3
"""Below so many batches a window, a factor such as 1/2 may as well be the weight of a loss."""


@dataclass(frozen=True)
class Loop:
    """The windows of one line that takes gradients.

    Attributes:
        calls: How the loop is written.
        windows: In order.
        batches: How many batches a full window has; 1 where nothing is accumulated.
        source: The line.
        left: How many batches were drawn behind the last window of a pass over the loader.
        shuffled: The passes over loaders that give another order every time.
    """

    calls: Calls
    windows: Sequence[Window]
    batches: int
    source: SourceLine | None
    left: int
    shuffled: Container[int | None] = ()

    @property
    def full(self) -> list[Window]:
        """The windows with as many batches as most have."""
        return [window for window in self.windows if window.batches == self.batches]


@dataclass(frozen=True)
class Mistake:
    """What is wrong with the windows of one line.

    Attributes:
        finding: What is said of it.
        line: Which of the log's lines.
        batches: How many batches a window has; of one that is longer than the epoch, how many it asks for.
        drawn: How many batches an epoch has, as far as was seen.
    """

    finding: Finding
    line: int
    batches: int
    drawn: int

    @property
    def factor(self) -> float | None:
        """How many times larger the gradient is with the mistake than without; None where it is another gradient."""
        return {"SW751": 1 / self.batches, "SW752": float(self.batches)}.get(self.finding.code)


def accumulation(log: TrainingLog) -> Iterator[Mistake]:
    """The first mistake of every line that takes gradients, and a last window that is not full."""
    for line, source in enumerate(log.lines):
        found = windows(log, line)
        if not found:
            continue
        shuffled = [place for place, stream in enumerate(log.streams) if stream.shuffles]
        loop = Loop(log.calls, found, _usual(found), source, _left(log, found), shuffled)
        first = next((told for rule in _RULES if (told := list(rule(loop)))), [])
        drawn = max(each.drawn for window in found for each in window.passes)
        ends = () if any(each.code == "SW759" for each in first) else last_window(loop)
        for each in (*first, *ends):
            yield Mistake(each, line, _asked(loop) if each.code == "SW756" else loop.batches, drawn)


def _usual(found: Sequence[Window]) -> int:
    """The number of batches that most windows have; the larger of two that are as frequent."""
    counts = [window.batches for window in found if window.batches]
    return max(counts, key=lambda count: (counts.count(count), count), default=1)


def _left(log: TrainingLog, found: Sequence[Window]) -> int:
    """The batches at the end of a pass that no backward pass came behind."""
    last: dict[int | None, int] = {}
    for window in found:
        for each in window.passes:
            last[each.stream] = each.drawn
    ends = [event for event in log.events if isinstance(event, StreamEnd) and event.stream in last]
    return next((event.drawn - last[event.stream] for event in ends if event.drawn > last[event.stream]), 0)


def _is(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=0.01)


def divided_twice(loop: Loop) -> Iterator[Finding]:
    """A mean over all batches of a window that is divided by their number again."""
    count = loop.batches
    if count < _FEWEST or not all(_is_too_small(window, count) for window in loop.full):
        return
    first = loop.full[0].passes[0]
    if len(loop.full[0].passes) == 1:
        rows = first.rows or 0
        if rows < count * (first.samples or 1):
            yield _one_of(loop, rows)
            return
        why = f"The loss is the mean over {rows} rows, those of {count} batches, and it is divided by {count} again"
        meant, fix = f"the mean over {rows} rows", f"do not divide by {count}: the mean over all {rows} rows is taken"
    else:
        why = f"The loss of each of the {count} batches of a window is divided by {count} twice"
        meant, fix = f"the mean over {count} batches", f"divide by {count} once"
    yield _found(
        "SW751", loop, f"{why}: the gradient is {count} times too small.", fix, meant, f"{meant}, divided by {count}"
    )


def _is_too_small(window: Window, count: int) -> bool:
    """Whether a window weighs its batches so that they add up to one over their number."""
    passes = window.passes
    shares = [sum(_is(factor, 1 / count) for factor in each.factors) for each in passes]
    is_divided = (len(passes) == 1 and shares[0] == 1) or (len(passes) == count and min(shares) > 1)
    return is_divided and all(each.is_mean for each in passes) and _is(window.weight, 1 / count)


def _one_of(loop: Loop, rows: int) -> Finding:
    count = loop.batches
    return _found(
        "SW753",
        loop,
        f"{count} batches are drawn for every step, and `{loop.calls.backward}` runs once, on the {rows} rows of the "
        f"last one: the other {count - 1} are not learned from. The loss is divided by {count} as if they were, so the "
        f"gradient is {count} times too small.",
        loop.calls.every,
        f"the gradients of {count} batches",
        "the gradient of 1 batch",
    )


def not_divided(loop: Loop) -> Iterator[Finding]:
    """Means of several batches that are added up and never divided."""
    count, stepped = loop.batches, [window for window in loop.full if window.is_stepped]
    if count < 2 or not stepped or all(window.ends_stream for window in stepped):
        return
    for window in stepped:
        passes = window.passes
        is_whole = len(passes) == count and all(each.is_mean and _is(scale(each), 1) for each in passes)
        if not is_whole or window.is_rescaled:
            return
    yield _found(
        "SW752",
        loop,
        f"The mean losses of {count} batches are added up before every step, and nothing divides them by {count}: the "
        f"gradient is {count} times that of their mean. Adam hides that; a learning rate, clipping and weight decay do "
        f"not.",
        loop.calls.divided.format(count=count),
        f"the mean over {count} batches",
        f"{count} times the mean",
    )


def thrown_away(loop: Loop) -> Iterator[Finding]:
    """Gradients that are cleared between the backward passes of one step."""
    groups, before = [], 0
    for window in loop.windows:
        before += 1
        if window.is_stepped:
            groups.append(before)
            before = 0
    if groups and min(groups) > 1 and len(set(groups)) == 1:
        count = groups[0]
        rest = "one are" if count == 2 else f"{count - 1} are"
        size, *others = {each.samples for window in loop.windows for each in window.passes}
        rows = f", {size} of {count * size} samples" if size and not others else ""
        yield _found(
            "SW754",
            loop,
            f"The gradients are cleared before every backward pass, and the optimiser steps once in {count} of them: "
            f"it uses the last of {count} batches{rows}, and the gradients of the other {rest} thrown away.",
            f"{loop.calls.clear}, and nowhere else",
            f"the gradients of {count} batches",
            "the gradient of 1 batch",
            op=loop.calls.clearing,
        )


def never_cleared(loop: Loop) -> Iterator[Finding]:
    """Steps that use the gradients of steps before them too."""
    first, *others = loop.windows
    stepped = [window for window in loop.windows if window.is_stepped]
    stale = [window for window in others if window.is_stale]
    if len(stepped) < _FEWEST or not first.passes[0].is_fresh or 2 * len(stale) < len(others) or not stale:
        return
    count = _longest_run(loop.windows)
    if count < _FEWEST:
        return
    if len(stale) == len(others):
        what = f"never cleared: the optimiser made {count} steps, and the last one used the sum of the gradients of all"
    else:
        what = f"cleared too rarely: of {len(stepped)} steps, some use the sum of the gradients of up to"
    yield _found(
        "SW755",
        loop,
        f"The gradients are {what} {count}.",
        loop.calls.clear,
        "the gradients of 1 step",
        f"the gradients of {count} steps",
    )


def _longest_run(windows: Sequence[Window]) -> int:
    """How many windows were added up at most before the gradients were cleared."""
    longest = current = 0
    for window in windows:
        current = current + 1 if window.is_stale else 1
        longest = max(longest, current)
    return longest


def never_stepped(loop: Loop) -> Iterator[Finding]:
    """A window that is longer than the epoch."""
    passes = [each for window in loop.windows for each in window.passes]
    wanted = _asked(loop)
    drawn = max(each.drawn for each in passes)
    is_stepped = any(window.is_stepped for window in loop.windows)
    ended = any(window.ends_stream for window in loop.windows)
    if is_stepped or not ended or wanted <= drawn or not all(_is(scale(each), 1 / wanted) for each in passes):
        return
    yield _found(
        "SW756",
        loop,
        f"The loss is divided by {wanted}, for a step every {wanted} batches, and an epoch has {drawn}: the optimiser "
        f"never steps.",
        f"step at the end of the epoch too, or every {drawn} batches at most",
        f"{wanted} batches",
        f"{drawn} batches",
        where="loader",
    )


def ends_thrown_away(loop: Loop) -> Iterator[Finding]:
    """Gradients at the end of every epoch that no step uses before they are cleared: those of the same samples."""
    followed = zip(loop.windows, loop.windows[1:], strict=False)
    lost = [window for window, after in followed if _is_lost(window, loop) and not after.is_stale]
    ends = [window for window in loop.windows[:-1] if window.ends_stream]
    if not lost or len(lost) < len(ends) or not any(window.is_stepped for window in loop.full):
        return
    (got, drawn), *others = {(window.batches or 0, window.passes[-1].drawn) for window in lost}
    if others:
        return
    size, *unequal = {each.samples for each in lost[0].passes}
    rows = f", {got * size} samples" if size and not unequal else ""
    yield _found(
        "SW759",
        loop,
        f"An epoch has {drawn} batches, with a step for every {loop.batches}: {drawn - got} of them are learned from. "
        f"No step comes behind the last {got}{rows}, and their gradients are cleared as the next epoch begins. The "
        f"loader does not shuffle, so that they are the same in every epoch.",
        "one more step behind the last batch",
        f"{drawn} batches",
        f"{drawn - got} batches",
        op="step",
    )


def _is_lost(window: Window, loop: Loop) -> bool:
    """Whether a short window ends an epoch without a step, and the next epoch has the same order."""
    is_short = 0 < (window.batches or 0) < loop.batches
    return window.ends_stream and is_short and not window.is_stepped and window.passes[-1].stream not in loop.shuffled


def unequal_labels(loop: Loop) -> Iterator[Finding]:
    """Means over unequal numbers of labels that are weighed alike."""
    passes = [each for window in loop.full for each in window.passes]
    leaves_out = any(None not in (each.counted, each.rows) and each.counted != each.rows for each in passes)
    window = next((each for each in loop.full if _is_of_unequal(each, loop.batches)), None)
    if window is None or not leaves_out:
        return
    counts = [each.counted or 0 for each in window.passes]
    most, least, total = max(counts), min(counts), sum(counts)
    yield _found(
        "SW758",
        loop,
        f"The {len(counts)} batches of a window have {_listed(counts)} labels that count, {total} together. Each loss "
        f"is the mean over its own, and all weigh the same: a label of the batch of {least} counts {most / least:.1f} "
        f"times as much as one of the batch of {most}, where each should count 1/{total}.",
        f"sum the losses, reduction='sum', and divide each sum by the labels of the whole window, {total}",
        f"{total} labels of the same weight",
        f"{least} labels that weigh as much as {most}",
    )


def _is_of_unequal(window: Window, count: int) -> bool:
    """Whether one loss of a window is the mean over at least twice as many labels as another."""
    passes = window.passes
    counts = [each.counted for each in passes if each.counted]
    if len(passes) != count or len(counts) != count or window.is_rescaled or not all(each.is_mean for each in passes):
        return False
    is_alike = all(_is(scale(each), scale(passes[0])) for each in passes)
    return count > 1 and is_alike and max(counts) >= 2 * min(counts)


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(map(str, counts[:-1])) + f" and {counts[-1]}"


def _asked(loop: Loop) -> int:
    """The length of a window that the loss is divided for."""
    share = scale(loop.windows[0].passes[0])
    return round(1 / share) if share else 0


_RULES: tuple[Callable[[Loop], Iterator[Finding]], ...] = (
    divided_twice,
    thrown_away,
    not_divided,
    never_cleared,
    never_stepped,
    ends_thrown_away,
    unequal_labels,
)


def last_window(loop: Loop) -> Iterator[Finding]:
    """Batches at the end of an epoch that are too few for a whole window."""
    count = loop.batches
    short = [window for window in loop.windows if window.ends_stream and (window.batches or count) < count]
    got = short[0].batches if short else loop.left
    if count < 2 or not got or not any(window.is_stepped or not short for window in loop.full):
        return
    if short and short[0].is_stepped:
        if not _is(short[0].weight, got / count):
            return
        effect = (
            f"Their losses are divided by {count} all the same: the gradient of that step is {count / got:.1f} times "
            f"too small"
        )
        fix = f"divide the last {got} by {got}"
    else:
        effect = "No step comes behind them: what they would have taught is lost or goes into the next epoch"
        fix = "one more step behind the loop"
    yield _found(
        "SW757",
        loop,
        f"The epoch ends with {got} batch{'' if got == 1 else 'es'}, of {count} that make a step. {effect}.",
        fix,
        f"{count} batches",
        f"{got} batches",
    )


def _found(
    code: str, loop: Loop, reason: str, fix: str, expected: str, got: str, *, where: str = "loss", op: str = ""
) -> Finding:
    return finding(
        code,
        where,
        loop.calls.backward,
        reason,
        fix=fix,
        op=op or loop.calls.backward,
        axis=0,
        axis_name="batch",
        expected=expected,
        got=got,
        source=loop.source,
    )
