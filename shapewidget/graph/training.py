"""What a training loop did, in order: batches drawn, backward passes, optimiser steps, ends of epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from shapewidget.graph.records import SourceLine
from shapewidget.graph.remedies import SourceEdit


@dataclass(frozen=True, slots=True)
class LossTerm:
    """One loss that gradients are taken of.

    Attributes:
        factors: The numbers that it was multiplied by.
        is_mean: Whether it is a mean over its rows.
        rows: Number of rows.
        summed: Of a sum, over how many values.
        counted: Of labels that may be left out, how many are not.
    """

    factors: tuple[float, ...] = ()
    is_mean: bool = False
    rows: int | None = None
    summed: int | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class BackwardPass:
    """One call of `backward`.

    Attributes:
        line: Which of the log's lines called it.
        factors: What the mean of the losses is multiplied by on its way to the call: (1/13,) for ``loss / 13``.
        is_mean: Whether the loss is one mean over its rows.
        rows: How many rows the loss is taken over.
        is_fresh: Whether the gradients were empty before it.
        stream: The pass over a loader that gave the last batch before it; None where none did.
        drawn: How many batches that pass had given.
        samples: How many samples the last of them had.
        counted: How many labels the loss is the mean over, where it can leave some out.
    """

    line: int
    factors: tuple[float, ...]
    is_mean: bool
    rows: int | None
    is_fresh: bool
    stream: int | None = None
    drawn: int = 0
    samples: int | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class OptimizerStep:
    """One step of an optimiser.

    Attributes:
        lines: The backward calls whose gradients it may use.
        is_rescaled: Whether the program changed those gradients itself since the last backward pass.
        beside: Those of them that stand in the same loop as the step, so that each of their passes is of a turn of it.
    """

    lines: frozenset[int]
    is_rescaled: bool = False
    beside: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of a pass over a loader.

    Attributes:
        stream: Which pass.
        drawn: How many batches it gave.
    """

    stream: int
    drawn: int


@dataclass(frozen=True, slots=True)
class CountedFull:
    """A division by the number of batches times the size of a full one.

    Attributes:
        line: The product.
        edit: The number of samples in its place.
    """

    line: SourceLine
    edit: SourceEdit


@dataclass(frozen=True, slots=True)
class Stream:
    """A pass over a loader in the program's own loop.

    Attributes:
        loader: Which loader: passes over one loader have one number.
        title: Class name of the loader, and the length of its data set.
        batches: How many batches it says it has; None where it does not say.
        shuffles: Whether its order changes from pass to pass.
        drawn: How many batches it gave.
        first: When its first batch was drawn: the count of batches drawn from all loaders.
        last: When its last one was.
        full: How many samples its first batch had.
        newest: How many its last one had.
        is_even: Whether all but the last had as many as the first.
        empty: How many batches had none.
        begun_again: How many loops were begun over it when it was at its end.
        counted_full: Where the program divides by as many samples as there would be if the last batch were full.
    """

    loader: int
    title: str
    batches: int | None
    shuffles: bool
    drawn: int = 0
    first: int = 0
    last: int = 0
    full: int | None = None
    newest: int | None = None
    is_even: bool = True
    empty: int = 0
    begun_again: int = 0
    counted_full: CountedFull | None = None

    def with_batch(self, samples: int | None, count: int) -> Stream:
        """The pass with one more batch.

        Args:
            samples: How many samples it has.
            count: How many batches were drawn from all loaders.
        """
        is_even = self.is_even and self.newest == self.full
        full = self.full if self.drawn else samples
        empty = self.empty + (samples == 0)
        return replace(self, drawn=self.drawn + 1, last=count, full=full, newest=samples, is_even=is_even, empty=empty)


@dataclass(frozen=True, slots=True)
class Calls:
    """How a framework writes what a training loop does.

    Attributes:
        backward: What takes the gradients.
        every: How to take those of every batch, and step every so many.
        divided: How to take those of a loss that is divided by `{count}`.
        clearing: What clears them.
        clear: How to begin a sum of gradients anew.
        drop: How to leave a last batch out that is not full.
    """

    backward: str
    every: str
    divided: str
    clearing: str
    clear: str
    drop: str


TORCH = Calls(
    "backward",
    "call loss.backward() for every batch, and only the step every so many",
    "(loss / {count}).backward()",
    "zero_grad",
    "optimizer.zero_grad() behind optimizer.step()",
    "drop_last=True in the loader",
)
GRADIENT_TAPE = Calls(
    "gradient",
    "add up tape.gradient(...) of every batch, and apply the sum every so many",
    "tape.gradient(loss / {count}, ...), with the division inside the tape",
    "assign",
    "set the sums of gradients to zero behind optimizer.apply_gradients(...)",
    "drop_remainder=True in Dataset.batch",
)

Event = BackwardPass | OptimizerStep | StreamEnd


@dataclass(frozen=True)
class TrainingLog:
    """A captured training loop.

    Attributes:
        events: In the order in which they happened.
        lines: The lines that call `backward`.
        streams: The passes over loaders.
        calls: How the loop is written.
    """

    events: tuple[Event, ...] = ()
    lines: tuple[SourceLine | None, ...] = ()
    streams: tuple[Stream, ...] = ()
    calls: Calls = TORCH


@dataclass
class Window:
    """The backward passes whose gradients were added up.

    Attributes:
        passes: In order.
        batches: How many batches were drawn for them; None where no loader was seen.
        is_stepped: Whether the optimiser took a step with them.
        is_rescaled: Whether the program changed the gradients before the step.
        is_stale: Whether gradients of an earlier step were still there when it began.
        ends_stream: Whether the loader ended before the optimiser stepped, or just behind the step.
    """

    passes: list[BackwardPass] = field(default_factory=list)
    batches: int | None = None
    is_stepped: bool = False
    is_rescaled: bool = False
    is_stale: bool = False
    ends_stream: bool = False

    @property
    def weight(self) -> float:
        """What the means of all its losses are multiplied by, added up; 1 is the mean over all its batches."""
        return sum(scale(each) for each in self.passes)


def scale(each: BackwardPass) -> float:
    """The product of the factors."""
    return math.prod(each.factors)


def windows(log: TrainingLog, line: int) -> list[Window]:
    """The windows of the backward passes that one line calls."""
    found: list[Window] = []
    before: dict[int | None, int] = {}
    for event in log.events:
        if isinstance(event, BackwardPass) and event.line == line:
            if not found or event.is_fresh or found[-1].is_stepped:
                found.append(Window(is_stale=bool(found) and not event.is_fresh))
            found[-1].passes.append(event)
            if event.stream is not None:
                drawn = event.drawn - before.get(event.stream, 0)
                found[-1].batches = (found[-1].batches or 0) + drawn
                before[event.stream] = event.drawn
        elif isinstance(event, OptimizerStep) and found and line in event.lines:
            if not found[-1].is_stepped:
                found[-1].is_stepped, found[-1].is_rescaled = True, event.is_rescaled
            if found[-1].batches is None and line in event.beside:
                found[-1].batches = len(found[-1].passes)
        elif isinstance(event, StreamEnd) and found and found[-1].passes[-1].stream == event.stream:
            found[-1].ends_stream = True
    return found
