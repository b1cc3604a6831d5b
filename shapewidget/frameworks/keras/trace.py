"""What the user's code called itself, in order: enough to run a part of it again with a change in it.

Calls that a model or a layer makes on its own are no entries; they happen again when it is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src.metrics.reduction_metrics import MeanMetricWrapper

from shapewidget.frameworks.keras import losses
from shapewidget.frameworks.keras.tensors import leaves
from shapewidget.frameworks.source import Capture, here

Key = Callable[[Any], Hashable]
"""What two tensors of equal values have in common."""


def is_traced(called: Any) -> bool:
    """Whether calls of something are entries: not those of Keras's own collections of losses and of metrics."""
    is_whole = isinstance(called, keras.layers.Layer | keras.Operation | MeanMetricWrapper)
    return is_whole or (type(called).__name__ != "CompileLoss" and (is_loss(called) or losses.is_own(called)))


def is_loss(called: Any) -> bool:
    """Whether it is a loss, the user's own or not."""
    return isinstance(called, keras.losses.Loss)


@dataclass(slots=True, eq=False)
class Entry:
    """One call of a layer, model, operation, loss or metric.

    A layer, model or operation is called with tensors, a loss or metric with targets, outputs and weights.

    Attributes:
        called: What was called.
        args: Its positional arguments.
        kwargs: Its other arguments.
        first: The number of the first node that it recorded.
        after: The number of the first node behind it; None while it runs.
        reads: Keys of the tensors that it was given.
        gives: Keys of the tensors that it gave, empty if it raised.
        output: What it gave.
        place: The user's call under which it ran: of itself, or of `fit`. None where that was not seen.
    """

    called: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    first: int
    after: int | None = None
    reads: tuple[Hashable, ...] = ()
    gives: tuple[Hashable, ...] = ()
    output: Any = None
    place: Capture | None = None

    def covers(self, node: int) -> bool:
        """Whether a node was recorded by this call."""
        return self.first <= node and (self.after is None or node < self.after)


@dataclass(slots=True)
class Trace:
    """All entries.

    Attributes:
        entries: In the order in which they were called.
        made: Where layers and losses were made, by the id of each; the object is held, so that the id stays its own.
        compiled: The models that `compile` was called of, and where.
    """

    entries: list[Entry] = field(default_factory=list)
    made: dict[int, tuple[Any, Capture | None]] = field(default_factory=dict)
    compiled: list[tuple[Any, Capture | None]] = field(default_factory=list)

    def begin(self, called: Any, args: Any, kwargs: Any, first: int, key: Key) -> Entry:
        """Note that something is called."""
        reads = tuple(map(key, leaves((args, kwargs))))
        entry = Entry(called, tuple(args), dict(kwargs), first, reads=reads, place=here())
        self.entries.append(entry)
        return entry

    def site(self, made: Any) -> Capture | None:
        """Where a layer or loss was made; None where that was not seen."""
        known = self.made.get(id(made))
        return known[1] if known is not None else None

    def compiling(self, loss: Any) -> list[Capture]:
        """Where the models were compiled that hold a loss or metric; every place where none is known to."""
        known = [(model, place) for model, place in self.compiled if place is not None]
        holding = [place for model, place in known if losses.is_held(model, loss)]
        return list(dict.fromkeys(holding or [place for _, place in known]))

    def around(self, node: int) -> list[Entry]:
        """The entry that recorded a node, and all those whose tensors are connected with it."""
        start = next((entry for entry in self.entries if entry.covers(node)), None)
        if start is None:
            return []
        touching: dict[Hashable, list[Entry]] = {}
        for entry in self.entries:
            for key in (*entry.reads, *entry.gives):
                touching.setdefault(key, []).append(entry)
        made = {key for entry in self.entries for key in entry.gives}
        chosen, waiting = {start}, [start]
        while waiting:
            entry = waiting.pop()
            found = {other for key in (*entry.reads, *entry.gives) if key in made for other in touching[key]}
            waiting += found - chosen
            chosen |= found
        return [entry for entry in self.entries if entry in chosen]
