"""Loops that read other batches than is meant: the first one again and again, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shapewidget.diagnosis.findings import Finding, finding
from shapewidget.graph.training import BackwardPass, TrainingLog

_FEWEST = 3
"""How many steps on one batch are no accident."""


def always_the_first_batch(log: TrainingLog) -> Iterator[Finding]:
    """An iterator that is made anew for every step, so that each learns from the same batch."""
    events = (event for event in log.events if isinstance(event, BackwardPass))
    learned = [log.streams[number] for number in {event.stream for event in events} if number is not None]
    counts = Counter(each.loader for each in learned if each.drawn == 1)
    for loader, count in counts.items():
        stream = next(each for each in learned if each.loader == loader)
        is_only = all(each.drawn < 2 for each in log.streams if each.loader == loader)
        if count >= _FEWEST and is_only and not stream.shuffles and stream.batches is not None and stream.batches > 1:
            yield finding(
                "SW723",
                "loader",
                stream.title,
                f"{count} steps began a pass over {stream.title} each, and took its first batch: as its order is "
                f"fixed, all of them learned from the same one of {stream.batches} batches.",
                fix="make the iterator once, in front of the loop: batches = iter(loader), then next(batches)",
                op="next",
                axis=0,
                axis_name="batches read",
                expected=min(count, stream.batches),
                got=1,
            )


def iterator_used_up(log: TrainingLog) -> Iterator[Finding]:
    """A loop over an iterator that has given all its batches."""
    for stream in log.streams:
        if stream.begun_again:
            epochs = stream.begun_again + 1
            yield finding(
                "SW724",
                "loader",
                stream.title,
                f"A loop over one iterator of {stream.title} was begun {epochs} times. The first gave its "
                f"{stream.drawn} batches; it was at its end then, and the other {stream.begun_again} gave none.",
                fix="loop over the loader itself, which makes a new iterator for each epoch",
                op="iter",
                axis=0,
                axis_name="batches read",
                expected=epochs * stream.drawn,
                got=stream.drawn,
            )


def last_batch_counted_full(log: TrainingLog) -> Iterator[Finding]:
    """An average over a pass that is divided by more samples than the pass gave."""
    told = set[object]()
    for stream in log.streams:
        found, full, newest = stream.counted_full, stream.full, stream.newest
        if found is None or full is None or newest is None or found.line in told:
            continue
        told.add(found.line)
        counted, samples = stream.drawn * full, (stream.drawn - 1) * full + newest
        yield finding(
            "SW760",
            "loader",
            stream.title,
            f"{stream.title} gives {stream.drawn} batches of {full}, of which the last has {newest}: {samples} "
            f"samples. `{found.line.expression}` counts {counted}, so that what is divided by it is "
            f"{counted / samples:.2f} times too small.",
            fix=found.edit.line,
            patch=found.edit.diff(),
            op="len",
            axis=0,
            axis_name="samples",
            expected=samples,
            got=counted,
            source=found.line,
        )


def empty_batches(log: TrainingLog) -> Iterator[Finding]:
    """A batch without a sample that a loop was given: its loss is no number."""
    for stream in log.streams:
        if stream.empty:
            yield finding(
                "SW706",
                "loader",
                stream.title,
                f"{stream.empty} of the {stream.drawn} batches of {stream.title} had no sample; the first had "
                f"{stream.full}.",
                fix="let the number of batches be that of the samples over the batch size, rounded up",
                axis=0,
                axis_name="batch",
                expected=stream.full,
                got=0,
            )
            return
